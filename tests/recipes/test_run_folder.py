"""Run folders: begun, gone on with, refused."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edgesmith.core.errors import RunError
from edgesmith.core.files import read_json
from edgesmith.recipes.run_folder import Stages, open_run


def test_a_new_folder_is_begun_and_the_same_settings_go_on(tmp_path: Path) -> None:
    assert open_run(tmp_path / "run", {"seed": 0}).resumed is False
    assert open_run(tmp_path / "run", {"seed": 0}).resumed is True


def test_other_settings_are_named_with_both_values(tmp_path: Path) -> None:
    open_run(tmp_path / "run", {"seed": 0, "budget": "5ms"})
    with pytest.raises(RunError, match="budget '5ms', now '6ms'"):
        open_run(tmp_path / "run", {"seed": 0, "budget": "6ms"})


def test_nested_settings_are_named_one_by_one(tmp_path: Path) -> None:
    open_run(tmp_path / "run", {"config": {"seed": 0, "optim": {"learning_rate": 0.1}}})
    with pytest.raises(RunError, match=r"settings \(config\.optim\.learning_rate 0\.1, now 0\.2\); choose"):
        open_run(tmp_path / "run", {"config": {"seed": 0, "optim": {"learning_rate": 0.2}}})


def test_free_settings_may_change_and_the_folder_tells_the_newest(tmp_path: Path) -> None:
    free = {"config.workers"}
    open_run(tmp_path / "run", {"config": {"seed": 0, "workers": 2}})
    assert open_run(tmp_path / "run", {"config": {"seed": 0, "workers": 0}}, free=free).resumed is True
    assert read_json(tmp_path / "run" / "run.json")["config"] == {"seed": 0, "workers": 0}
    with pytest.raises(RunError, match=r"\(config\.seed 0, now 1\)"):
        open_run(tmp_path / "run", {"config": {"seed": 1, "workers": 1}}, free=free)
    assert read_json(tmp_path / "run" / "run.json")["config"] == {"seed": 0, "workers": 0}


def test_a_finished_run_is_refused_until_overwritten(tmp_path: Path) -> None:
    open_run(tmp_path / "run", {"seed": 0}).finish({"top1": 1.0})
    with pytest.raises(RunError, match="--overwrite"):
        open_run(tmp_path / "run", {"seed": 0})
    assert open_run(tmp_path / "run", {"seed": 0}, overwrite=True).resumed is False
    assert not (tmp_path / "run" / "result.json").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="not a run"):
            open_run(tmp_path, {"seed": 0}, overwrite=overwrite)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_full_disk_leaves_no_half_written_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run(tmp_path / "run", {"seed": 0})

    def refuse(_self: Path, _target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(RunError, match="the disk is full"):
        run.finish({"top1": 1.0})
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]


def test_a_finished_stage_is_read_not_done_again(tmp_path: Path) -> None:
    calls: list[str] = []

    def work() -> dict[str, int]:
        calls.append("done")
        return {"value": 7}

    ticks = iter([0.0, 2.5])
    first = Stages(tmp_path, clock=lambda: next(ticks))
    assert first.run("race-0", work, forecast_s=2.0) == {"value": 7}
    again = Stages(tmp_path)
    assert again.run("race-0", work) == {"value": 7}
    assert calls == ["done"]
    assert again.times("race") == first.times("race") == (2.0, 2.5)


def test_a_stage_that_failed_is_done_again(tmp_path: Path) -> None:
    def fail() -> int:
        raise RunError("no luck")

    stages = Stages(tmp_path)
    with pytest.raises(RunError):
        stages.run("train", fail)
    assert stages.run("train", lambda: 3) == 3
