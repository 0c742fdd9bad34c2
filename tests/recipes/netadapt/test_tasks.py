"""Segmenters and detectors narrowed on a device without a machine: by their own figure, with their heads, resumed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgesmith.arch.edits.widths import widths_of
from edgesmith.arch.spec import model_hash
from edgesmith.core.files import read_lines
from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.net_forms import deployed, trainable
from edgesmith.recipes.netadapt.config import NetAdaptConfig
from edgesmith.recipes.netadapt.result import NetAdaptResult
from edgesmith.recipes.netadapt.run import netadapt
from tests.devices.blocks.fakes import additive
from tests.recipes.netadapt.fakes import Counting, FolderDevice
from tests.recipes.task_sets import TASKS

pytestmark = pytest.mark.slow

SETTINGS = ("workers=0", "replicas=1", "schedule.warmup_pictures=8", "batch_size=4", "ema_decay=0.9")


def config(folder: Path, task: str) -> NetAdaptConfig:
    return NetAdaptConfig(
        model=str(TASKS[task].write_net(folder)),
        data=str(folder / "data"),
        budget="0.95x",
        time="6s",
        weights="none",
        delta=0.05,
        steps_pictures=8,
        resolution="64x96",
        settings=SETTINGS,
    )


Whole = tuple[str, Path, NetAdaptResult, Counting]


@pytest.fixture(scope="module", params=TASKS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder, executor = tmp_path_factory.mktemp(request.param), Counting()
    TASKS[request.param].write(folder / "data", {"train": 20, "val": 4})
    result = netadapt(config(folder, request.param), out=folder / "run", executor=executor, device=FolderDevice())
    return request.param, folder, result, executor


def test_it_lands_under_its_budget_with_the_same_kind_of_head(whole: Whole) -> None:
    task, _, result, _ = whole
    seed = deployed(TASKS[task].net)
    assert result.met
    assert result.spec.head.kind == seed.head.kind
    assert result.spec == deployed(result.spec), "a file's form"
    assert additive(result.spec) / additive(seed.with_num_classes(result.spec.num_classes)) <= 0.95
    assert all(width.channels % (8 * width.unit) == 0 for width in widths_of(result.spec))


def test_the_heads_own_widths_are_proposals_beside_the_blocks(whole: Whole) -> None:
    _, folder, _, _ = whole
    rows = read_lines(folder / "run" / "proposals.jsonl")
    assert {"expansion", "head"} <= {row["kind"] for row in rows}
    assert all(row["accuracy"] is not None for row in rows)


def test_the_figure_is_the_tasks_own_everywhere(whole: Whole) -> None:
    task, folder, result, _ = whole
    wanted = TASKS[task]
    data = json.loads(json.dumps(result.to_json()))
    assert 0 <= data["metrics"][wanted.key] <= 1
    assert data["metrics"]["split"] == "val"
    assert all(set(each["metrics"]) == {wanted.key, "split"} for each in data["candidates"])
    page = (folder / "run" / "report.html").read_text()
    assert wanted.words in page
    assert f"{wanted.label}, %" in page
    assert "top-1" not in page
    assert wanted.label in " ".join(result.summary)


def test_every_step_is_a_bundle_that_can_be_gone_on_from(whole: Whole) -> None:
    _, _, result, _ = whole
    manifests = [open_bundle(step).manifest for step in result.steps]
    assert len(manifests) >= 2
    accepted = [each["model_hash"] for each in result.candidates if each["accepted"]]
    assert accepted == [model_hash(manifest.spec) for manifest in manifests[1:]]
    assert all(deployed(trainable(manifest.spec)) == manifest.spec for manifest in manifests)


def test_a_killed_run_repeats_nothing_that_was_finished(whole: Whole, tmp_path: Path) -> None:
    task, folder, _, executor = whole
    if task == "detection":
        pytest.skip("one task is enough: nothing of it is the task's")
    first, second, out = Counting(stop_after=2), Counting(), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        netadapt(config(folder, task), out=out, executor=first, device=FolderDevice())
    trials = out / "steps" / "01" / "trials"
    answers = {path.name: path.read_text() for path in trials.glob("*.json")}
    assert len(answers) == 2
    result = netadapt(config(folder, task), out=out, executor=second, device=FolderDevice())
    assert result.met
    assert first.jobs + second.jobs == executor.jobs
    assert all((trials / name).read_text() == answer for name, answer in answers.items())
