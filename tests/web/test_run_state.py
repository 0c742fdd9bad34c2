"""How far a run is, from its files alone."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from edgesmith.core.errors import RunError
from edgesmith.web.jobs import Job, Jobs
from edgesmith.web.run_state import read_state
from edgesmith.web.run_view import training_panels, view_run
from edgesmith.web.scan import Found, find_bundles, find_runs, list_data
from edgesmith.web.states import State
from tests.data.builders import write_pictures
from tests.web.folders import make_old, write_training


def test_a_training_on_its_way(tmp_path: Path) -> None:
    write_training(tmp_path / "run", pictures=1200, of=4800)
    state = read_state(tmp_path / "run")
    assert state.state is State.RUNNING
    assert state.training is not None
    assert (state.training.done, state.training.total, state.training.left_s) == (1200, 4800, 120)


@pytest.mark.parametrize(("seconds", "state"), [(0, State.RUNNING), (170, State.RUNNING), (190, State.STOPPED)])
def test_silence_of_three_minutes_is_a_stop(tmp_path: Path, seconds: float, state: State) -> None:
    write_training(tmp_path / "run")
    assert read_state(tmp_path / "run", now=time.time() + seconds).state is state


def test_a_result_ends_it_however_fresh(tmp_path: Path) -> None:
    write_training(tmp_path / "run")
    (tmp_path / "run" / "result.json").write_text(json.dumps({"metrics": {"top1": 0.5}}))
    state = read_state(tmp_path / "run")
    assert state.state is State.FINISHED
    assert state.training is None


def test_a_torn_last_event_is_passed_over(tmp_path: Path) -> None:
    write_training(tmp_path / "run")
    with (tmp_path / "run" / "events.jsonl").open("a") as log:
        log.write('{"kind": "step", "pictu')
    state = read_state(tmp_path / "run")
    assert state.training is not None
    assert state.training.done == 1200


@pytest.mark.parametrize("text", ["", "[]", "{", "3"])
def test_a_damaged_run_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"run\.json"):
        read_state(tmp_path)


@pytest.mark.parametrize(
    ("exit_code", "is_stopped", "state"),
    [(1, False, State.FAILED), (130, False, State.STOPPED), (1, True, State.STOPPED)],
)
def test_a_job_knows_better_how_its_run_ended(tmp_path: Path, exit_code: int, is_stopped: bool, state: State) -> None:
    write_training(tmp_path / "fit-x")
    jobs = Jobs(tmp_path / "web-jobs")
    job = Job(
        key=jobs.new_folder(),
        verb="fit",
        title="fit x",
        arguments=(),
        run="fit-x",
        created_at=1.0,
        pid=1,
        exit_code=exit_code,
        is_stopped=is_stopped,
    )
    jobs._save(job)
    view = view_run(Found(name="fit-x", path=tmp_path / "fit-x"), jobs)
    assert view.state.state is state
    assert view.job == job


def test_curves_leave_out_what_is_no_number(tmp_path: Path) -> None:
    write_training(tmp_path)
    with (tmp_path / "events.jsonl").open("a") as log:
        log.write('{"kind": "step", "pictures": null, "loss": 1}\n{"kind": "step", "loss": "x"}\n7\nnull\n')
    loss, score = training_panels(tmp_path / "events.jsonl")
    assert len(loss.curves[0].xs) == 10
    assert score.curves[0].ys == (0.4, 0.7)
    assert training_panels(None) == ()


def test_one_score_of_each_moment_is_drawn(tmp_path: Path) -> None:
    """Two weights that were scored at the same moment are no curve."""
    write_training(tmp_path)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    first, second = (json.loads(line) for line in lines[-2:])
    same = [{**first, "weights": kind, "metrics": {"top1": score}} for kind, score in (("raw", 0.4), ("mean", 0.5))]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in same))
    assert training_panels(tmp_path / "events.jsonl") == ()
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in (*same, second)))
    (score,) = training_panels(tmp_path / "events.jsonl")
    assert score.curves[0].ys == (0.5, 0.7)


def test_runs_are_found_at_any_depth_and_not_inside_runs(tmp_path: Path) -> None:
    for name in ("a", "b/c", "a/netadapt", ".hidden", "web-jobs/x"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "run.json").write_text("{}")
    (tmp_path / "b" / "c" / "bundle").mkdir()
    (tmp_path / "b" / "c" / "bundle" / "bundle.json").write_text("{}")
    make_old(tmp_path / "a")
    assert [found.name for found in find_runs(tmp_path)] == ["b/c", "a"]
    assert [found.name for found in find_bundles(tmp_path)] == ["b/c/bundle"]
    assert find_runs(tmp_path / "none") == []


def test_pictures_are_offered_and_runs_are_not(tmp_path: Path) -> None:
    write_pictures(tmp_path / "flowers", {"train/a": 1, "train/b": 1})
    (tmp_path / "set.zip").write_bytes(b"")
    write_training(tmp_path / "run")
    assert list_data(tmp_path) == ["flowers/train", "flowers/train/a", "flowers/train/b", "set.zip"]
