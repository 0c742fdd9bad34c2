"""A run that was stopped, by an exception or by kill -9, goes on with real pictures to the bits of an unbroken one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from edgesmith.core.errors import RunError
from edgesmith.core.files import read_lines
from edgesmith.data.cache import PictureCache
from edgesmith.engine.train import TrainResult
from tests.engine.pictures import read_pictures, train_pictures
from tests.engine.sets import CONFIG, StoppedError, resumed, run, same_weights

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> PictureCache:
    return read_pictures(tmp_path_factory.mktemp("pictures"))


def _rates(result: TrainResult) -> list[tuple[int, float]]:
    return [(event["step"], event["learning_rate"]) for event in result.history if event["kind"] == "step"]


def test_case_t1_three_steps_and_three_more_are_six(pictures: PictureCache, tmp_path: Path) -> None:
    straight = train_pictures(pictures, steps=6)
    with pytest.raises(StoppedError):
        train_pictures(pictures, steps=6, stop_after=3, folder=tmp_path)
    again = train_pictures(pictures, steps=6, folder=tmp_path, net_seed=9)
    assert [step for step, _ in _rates(straight)] == [1, 2, 3, 4, 5, 6]
    assert _rates(again) == _rates(straight)
    assert same_weights(straight, again)


@pytest.mark.parametrize("workers", [0, 2])
def test_case_t4_a_stop_in_the_middle_of_epoch_one_repeats_and_skips_nothing(
    pictures: PictureCache, tmp_path: Path, workers: int
) -> None:
    """17 pictures in batches of four are four steps an epoch, so step 6 is the second of epoch 1."""
    straight = train_pictures(pictures, steps=9)
    with pytest.raises(StoppedError):
        train_pictures(pictures, steps=9, stop_after=6, folder=tmp_path, workers=workers)
    state = json.loads((max((tmp_path / "checkpoints").iterdir()) / "state.json").read_text())
    assert (state["step"], state["position"]) == (6, {"epoch": 1, "batch": 2})
    again = train_pictures(pictures, steps=9, folder=tmp_path, workers=workers, net_seed=9)
    assert [step for step, _ in _rates(again)] == list(range(1, 10))
    assert same_weights(straight, again)


def test_case_t4_the_number_of_workers_may_change_on_the_way(pictures: PictureCache, tmp_path: Path) -> None:
    straight = train_pictures(pictures, steps=8)
    with pytest.raises(StoppedError):
        train_pictures(pictures, steps=8, stop_after=5, folder=tmp_path, workers=2)
    assert same_weights(straight, train_pictures(pictures, steps=8, folder=tmp_path, workers=0, net_seed=9))


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    run(folder=tmp_path)
    with pytest.raises(RunError, match=r"trained with seed=0, this run asks for seed=1; give another --out") as caught:
        run(replace(CONFIG, seed=1), folder=tmp_path)
    assert "\n" not in str(caught.value)


def test_events_after_the_checkpoint_are_forgotten_and_told_anew(tmp_path: Path) -> None:
    resumed(CONFIG, folder=tmp_path, steps=7)
    steps = [event["step"] for event in read_lines(tmp_path / "events.jsonl") if event["kind"] == "step"]
    assert steps == list(range(1, len(steps) + 1))


def test_a_finished_run_that_is_started_again_does_nothing_more(tmp_path: Path) -> None:
    first = run(folder=tmp_path)
    again = run(folder=tmp_path)
    assert same_weights(first, again)
    assert _rates(first) == _rates(again)


_CHILD = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from safetensors.torch import save_file
from tests.engine.pictures import read_pictures, train_pictures
folder = Path(sys.argv[1])
result = train_pictures(read_pictures(folder / "pictures"), steps=40, folder=folder / "run")
save_file({name: tensor.contiguous() for name, tensor in result.weights.items()}, folder / "end.safetensors")
"""


def _start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    return subprocess.Popen([sys.executable, "-c", _CHILD, str(folder)], cwd=ROOT, env=environment)


@pytest.mark.slow
def test_killed_twice_with_signal_nine_a_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    for least in (5, 20):
        child = _start(tmp_path)
        events = tmp_path / "run" / "events.jsonl"
        deadline = time.monotonic() + 120
        while max((event["step"] for event in read_lines(events)), default=0) < least:
            assert child.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline, "the run is too slow to be killed"
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    assert _start(tmp_path).wait(timeout=240) == 0
    straight = train_pictures(read_pictures(tmp_path / "again"), steps=40)
    killed = load_file(tmp_path / "end.safetensors")
    assert {name: tensor.tolist() for name, tensor in killed.items()} == {
        name: tensor.tolist() for name, tensor in straight.weights.items()
    }
