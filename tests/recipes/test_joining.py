"""Machines that join a search: the same candidates under another path, and nothing of what is not the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgesmith.cli.main import run
from edgesmith.core.errors import RunError
from edgesmith.deploy.bundle import write_bundle
from edgesmith.deploy.quantize.base import QuantPlan
from edgesmith.nn.build import build
from edgesmith.recipes.int8_candidates import Int8
from edgesmith.recipes.joining import join_search
from edgesmith.recipes.judging import make_judge
from edgesmith.recipes.material import open_material
from edgesmith.recipes.models import preprocessing_of
from edgesmith.recipes.proxy import Proxy
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.search_job import SearchJob
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.search.limits import Limits
from edgesmith.search.storage import Patience, sqlite_url
from edgesmith.search.strategies.table import make_strategy
from edgesmith.search.study import Outcome, Study
from tests.recipes.test_proxy import SPACE, proxy_on

QUICK = Patience(beat_s=1, grace_s=60, poll_s=0.05)
LIMITS = Limits(latency_ms=2.0)
TRIALS = 4


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scikit-learn's digits as an archive."""
    path = tmp_path_factory.mktemp("data") / "digits.zip"
    write_digits(path)
    return path


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "study.db")


def job_of(proxy: Proxy) -> SearchJob:
    return SearchJob.of(proxy, open_material(proxy.data, seed=0).dataset, wishes=SearchWishes(), limits=LIMITS)


def begin(url: str, job: dict[str, Any]) -> None:
    """A search whose driver never comes back."""
    Study(url, name="begun", strategy=make_strategy("random", SPACE, seed=0), job=job, patience=QUICK)


class Driver(threading.Thread):
    """A search on one copy of the pictures that leaves all candidates to machines that join."""

    def __init__(self, url: str, proxy: Proxy) -> None:
        super().__init__(daemon=True)
        self.url, self.proxy = url, proxy
        self.outcome: Outcome | None = None
        self.start()

    def run(self) -> None:
        strategy, judge = make_strategy("random", SPACE, seed=0), make_judge(SearchWishes(), LIMITS)
        job = job_of(self.proxy).to_json()
        study = Study(self.url, name="flowers-random", strategy=strategy, job=job, patience=QUICK)
        self.outcome = study.run(self.proxy, judge, trials=TRIALS, batch=2, executor=None)


def test_a_joined_machine_gives_the_numbers_that_the_searchs_own_would(digits: Path, url: str, tmp_path: Path) -> None:
    proxy, copy = proxy_on(digits, pictures=64), tmp_path / "elsewhere.zip"
    shutil.copy(digits, copy)
    driver = Driver(url, proxy)
    found = join_search(url, str(copy), workers="here", idle="4s", patience=QUICK)
    driver.join(timeout=60)
    assert driver.outcome is not None
    assert len(driver.outcome.trials) == TRIALS
    assert found == {"study": url, "evaluated": {"flowers-random": len(driver.outcome.records)}}
    first = driver.outcome.records[0]
    assert first.failure is None
    assert first.values == pytest.approx(dict(proxy(first.point)))


@pytest.mark.slow
def test_a_search_of_the_command_line_is_helped_by_its_address_alone(digits: Path, url: str, tmp_path: Path) -> None:
    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "edgesmith", *arguments, "--workers", "processes:1", "--json"]
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    wanted = ("--budget", "3ms", "--resolution", "32", "--weights", "none", "--time", "200s")
    counts = ("--trials", "10", "--batch", "10", "--no-random", "--study", url)
    searching = start("search", str(digits), *wanted, *counts, "--out", "run")
    joined = start("join", url, str(digits), "--idle", "150s")
    out, err = searching.communicate(timeout=600)
    assert searching.returncode == 0, err
    helped, err = joined.communicate(timeout=300)
    assert joined.returncode == 0, err
    candidates = [each for each in json.loads(out)["candidates"] if each["estimated_ms"] is not None]
    (count,) = json.loads(helped)["evaluated"].values()
    assert 0 < count < len(candidates)


def test_a_job_travels_whole(digits: Path) -> None:
    proxy = replace(
        proxy_on(digits, pictures=64), int8=Int8(format="litert", plan=QuantPlan()), settings=("batch_size=32", "ema=0")
    )
    job = SearchJob.from_json(json.loads(json.dumps(job_of(proxy).to_json())))
    made = job.proxy(proxy.data, open_material(proxy.data, seed=0).dataset)
    assert made.space.choices == proxy.space.choices
    assert replace(made, space=proxy.space) == proxy


def test_other_pictures_are_refused(digits: Path, url: str, tmp_path: Path) -> None:
    begin(url, job_of(proxy_on(digits, pictures=64)).to_json())
    write_digits(tmp_path / "all.zip")
    shutil.unpack_archive(tmp_path / "all.zip", tmp_path / "fewer")
    next((tmp_path / "fewer" / "train" / "3").iterdir()).unlink()
    with pytest.raises(RunError, match=r"other pictures than .*fewer"):
        join_search(url, str(tmp_path / "fewer"), workers="here", idle="0.2s", patience=QUICK)


def test_other_weights_are_refused(digits: Path, url: str, tmp_path: Path) -> None:
    spec = replace(SPACE.decode(SPACE.normal((0,) * len(SPACE.choices))), name="mine")
    write_bundle(
        tmp_path / "weights",
        name="mine",
        task="classification",
        spec=spec,
        module=build(spec, seed=3).eval(),
        classes=[str(number) for number in range(10)],
        preprocessing=preprocessing_of(spec),
        files=[],
        metrics={},
        provenance={},
    )
    begin(url, job_of(replace(proxy_on(digits, pictures=64), weights=str(tmp_path / "weights"))).to_json())
    with pytest.raises(RunError, match="--weights none is something else here"):
        join_search(url, str(digits), workers="here", weights="none", idle="0.2s", patience=QUICK)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "0.0.1"}, "the search is by edgesmith 0.0.1"),
        ({"colour": "red"}, "another build of edgesmith"),
        ({"space_hash": "0"}, "other choices here"),
    ],
)
def test_another_edgesmith_is_refused(digits: Path, url: str, change: dict[str, Any], words: str) -> None:
    begin(url, job_of(proxy_on(digits, pictures=64)).to_json() | change)
    with pytest.raises(RunError, match=words):
        join_search(url, str(digits), workers="here", idle="0.2s", patience=QUICK)


def test_nothing_to_do_is_no_fault(digits: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["join", url, str(digits), "--workers", "here", "--idle", "1s"]) == 0
    assert "wanted anything" in capsys.readouterr().out


def test_pictures_that_are_not_there_are_told_at_once(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["join", url, str(tmp_path / "nowhere.zip"), "--workers", "here"]) == 1
    assert "no such folder or archive" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mysql://db/x", "digits.zip"], "a study's URL is sqlite:///FILE or postgresql://"),
        (["sqlite:///x.db", "digits.zip", "--idle", "soon"], "--idle"),
        (["sqlite:///x.db", "digits.zip", "--workers", "threads"], "threads"),
    ],
)
def test_wrong_use_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert run(["join", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
