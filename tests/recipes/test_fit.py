"""The main job end to end on a small set, killed and started again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.quickstart import write_digits

COMMAND = (
    "fit",
    "digits.zip",
    "--budget",
    "0.8ms",
    "--time",
    "120s",
    "--resolution",
    "32",
    # A mirrored digit is none, and a cut one seldom; the recipe is for photographs.
    "--set",
    "augment.flip=0",
    "--set",
    "augment.scale=0.7,1.0",
    "--weights",
    "none",
    "--out",
    "run",
    "--json",
)


def start(folder: Path) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "edgesmith", *COMMAND]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(path: Path, *, limit_s: float) -> None:
    """Until a file is there."""
    deadline = time.monotonic() + limit_s
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear in {limit_s} s"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A fit that was killed by -9 in the middle of the winner's training and then run again to its end."""
    folder = tmp_path_factory.mktemp("fit")
    write_digits(folder / "digits.zip")
    first = start(folder)
    wait_for(folder / "run" / "train" / "events.jsonl", limit_s=400)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not (folder / "run" / "result.json").exists()
    stamps = {path.name: path.stat().st_mtime_ns for path in (folder / "run" / "stages").iterdir()}
    out, err = start(folder).communicate(timeout=400)
    later = {path.name: path.stat().st_mtime_ns for path in (folder / "run" / "stages").iterdir()}
    assert {name: later[name] for name in stamps} == stamps, "a finished stage was done again"
    assert out, err
    return folder / "run", json.loads(out)


def test_the_json_is_the_documented_one(finished: tuple[Path, dict[str, object]]) -> None:
    _, result = finished
    keys = {"bundle", "report", "budget_ms", "latency", "metrics", "spec", "forecast_s", "actual_s"}
    assert keys <= set(result)
    assert result["budget_ms"] == 0.8
    assert isinstance(result["latency"], list)


def test_the_file_met_its_budget_and_parity(finished: tuple[Path, dict[str, object]]) -> None:
    folder, result = finished
    manifest = open_bundle(folder / "bundle").manifest
    (record,) = manifest.files
    assert record.parity is not None
    assert record.parity.relative < 1e-4
    assert manifest.latency[0]["high_ms"] <= 0.8
    assert result["met"] is True


def test_it_learned(finished: tuple[Path, dict[str, object]]) -> None:
    _, result = finished
    metrics = result["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["num_images"] == 364
    assert metrics["top1"] > 0.8  # one in ten by chance


def test_every_candidate_stands_in_the_report(finished: tuple[Path, dict[str, object]]) -> None:
    folder, _ = finished
    page = (folder / "report.html").read_text()
    text: list[str] = []
    parser = HTMLParser()
    parser.handle_data = text.append  # type: ignore[method-assign, assignment]
    parser.feed(page)
    choice = json.loads((folder / "stages" / "choose.json").read_text())["result"]
    joined = "".join(text).replace("\u200b", "")
    for each in choice["fitting"]:
        assert each["spec"]["name"] in joined
