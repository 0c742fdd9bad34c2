"""What TensorBoard reads of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from edgesmith.engine.event_files import FOLDER, EventFiles, event_files
from edgesmith.engine.log import Log
from tests.engine.sets import CONFIG, run


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def test_a_run_is_there_number_by_number(tmp_path: Path) -> None:
    result = run(folder=tmp_path, config=replace(CONFIG, pictures=32))
    found = read(tmp_path / FOLDER)
    steps = [event for event in result.history if event["kind"] == "step"]
    assert [(each.step, each.value) for each in found.Scalars("train/loss")] == [
        (event["step"], pytest.approx(event["loss"], rel=1e-6)) for event in steps
    ]
    assert {"train/learning_rate", "train/pictures"} <= set(found.Tags()["scalars"])


def test_what_came_after_the_checkpoint_is_forgotten(tmp_path: Path) -> None:
    for last in (3, 2):
        files = EventFiles(tmp_path)
        log = Log(listener=files)
        for step in range(1 if last == 3 else 2, 4):
            log.add("step", step=step, values={"loss": float(10 * last + step)})
        files.close()
    assert [(each.step, each.value) for each in read(tmp_path).Scalars("train/loss")] == [(1, 31), (2, 22), (3, 23)]


def test_evaluations_are_grouped_by_the_weights_they_are_of(tmp_path: Path) -> None:
    files = EventFiles(tmp_path)
    files({"kind": "evaluation", "step": 5, "weights": "average", "metrics": {"top1": 0.5, "per_class": [1]}})
    files({"kind": "note", "step": 5, "text": "the loss stays at chance"})
    files.close()
    found = read(tmp_path)
    assert found.Tags()["scalars"] == ["average/top1"]
    assert [tag for tag in found.Tags()["tensors"] if tag.startswith("note")]


def test_a_run_in_memory_has_none() -> None:
    assert event_files(None) is None
