"""Whole trainings that end before their time: one line each, nothing lost, and on to the same bits."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from edgesmith.deploy.bundle import open_bundle
from tests.data.builders import write_pictures

NET = "mobilenet_v3_small@width=0.35,resolution=32"
SETTINGS = ("pictures=1200", "batch_size=16", "replicas=1", "checkpoint_every_seconds=0.2", "log_every_steps=1")
LIMIT_S = 240

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for the processes"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred training pictures of two classes."""
    counts = {"train/a": 60, "train/b": 60, "val/a": 8, "val/b": 8}
    return write_pictures(tmp_path_factory.mktemp("data") / "set", counts, width=64, height=48)


@pytest.fixture(scope="module")
def calm(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run; neither workers nor the memory for pictures change its bits."""
    out = tmp_path_factory.mktemp("calm") / "run"
    finish(command(data, out, "workers=1"))
    return out


def command(data: Path, out: Path, *settings: str) -> list[str]:
    words = [sys.executable, "-m", "edgesmith", "train", NET, str(data), "--out", str(out), "--weights", "none"]
    return [*words, *(word for each in (*SETTINGS, *settings) for word in ("--set", each))]


def disturb(words: Sequence[str], out: Path, act: Callable[[int], object]) -> str:
    """Start a training, do something once it has a checkpoint, and give the one line that it ends with."""
    started = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + LIMIT_S
    while not list(out.glob("checkpoints/step-*")):
        assert time.monotonic() < deadline, "no checkpoint"
        assert started.poll() is None, started.stderr.read() if started.stderr else ""
        time.sleep(0.05)
    act(started.pid)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 1, errors
    assert "Traceback" not in errors
    (line,) = [each for each in errors.splitlines() if each.startswith("edgesmith: ")]
    return line


def finish(words: Sequence[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def assert_same_bundles(first: Path, second: Path) -> None:
    one, other = (load_file(each / "bundle" / "weights.safetensors") for each in (first, second))
    assert all(torch.equal(value, other[key]) for key, value in one.items())


def loader_workers(pid: int) -> list[int]:
    """Forked from the training process, they have its command line."""
    ours = Path(f"/proc/{pid}/cmdline").read_bytes()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if Path(f"/proc/{child}/cmdline").read_bytes() == ours]


def test_a_killed_loader_worker(data: Path, calm: Path, tmp_path: Path) -> None:
    def kill(pid: int) -> None:
        os.kill(loader_workers(pid)[0], signal.SIGKILL)

    line = disturb(command(data, tmp_path / "hit", "workers=1"), tmp_path / "hit", kill)
    assert "a loader worker, which prepares pictures, was killed (Killed)" in line
    assert "is kept, and the same command goes on from there" in line
    # As the line advises: with another number of workers, which decides nothing of the result.
    assert "going on from step" in finish(command(data, tmp_path / "hit", "workers=0"))
    assert_same_bundles(calm, tmp_path / "hit")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_vanished_data_folder(data: Path, calm: Path, tmp_path: Path, workers: int) -> None:
    settings = (f"workers={workers}", "cache_gb=0")
    line = disturb(
        command(data, tmp_path / "hit", *settings),
        tmp_path / "hit",
        lambda _: shutil.move(data, tmp_path / "elsewhere"),
    )
    assert "No such file or directory" in line
    assert str(data) in line
    assert "is kept, and the same command goes on from there" in line
    assert len(line) < 600, "no traceback in it"
    shutil.move(tmp_path / "elsewhere", data)
    said = finish(command(data, tmp_path / "hit", *settings))
    assert "going on from step" in said
    assert "0 of 120 pictures are kept decoded" in said
    assert_same_bundles(calm, tmp_path / "hit")


def test_a_run_that_diverged_at_once_says_how_to_begin_anew(data: Path, tmp_path: Path) -> None:
    wild = command(data, tmp_path / "run", "workers=0", "optim.name=sgd", "optim.learning_rate=1e30")
    done = subprocess.run(wild, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 1
    assert "try --set optim.learning_rate=1e+29 and --overwrite" in done.stderr
    finish([*wild, "--set", "optim.learning_rate=0.01", "--overwrite"])


def test_the_best_weights_make_the_bundle_where_they_are_wanted(data: Path, tmp_path: Path) -> None:
    said = finish(command(data, tmp_path / "run", "workers=0", "use=best"))
    told = open_bundle(tmp_path / "run" / "bundle").manifest.provenance["training"]
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    scores = [(e["metrics"]["top1"], -e["step"], e["weights"]) for e in events if e["kind"] == "evaluation"]
    assert len({step for _, step, _ in scores}) >= 15
    assert -max(scores, key=lambda each: each[:2])[1] == told["step"]
    assert f"weights of step {told['step']} are used, the best on the held-out part" in said
