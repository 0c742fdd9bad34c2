"""Pictures that are gone and processes that end: one line, nothing lost, and on to the same bits."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgesmith.core.errors import DataError, RunError
from edgesmith.data.cache import PictureCache
from edgesmith.data.loader import Batch
from edgesmith.engine.outside import faults_from_outside
from tests.engine.pictures import StoppingTrainLoader, read_pictures, train_pictures
from tests.engine.sets import same_weights

STEPS = 9


class KillingLoader(StoppingTrainLoader):
    """Has lost its worker by the time it is asked for the batch after so many."""

    def epoch(
        self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
    ) -> Iterator[Batch]:
        for batch in super(StoppingTrainLoader, self).epoch(epoch, start_batch=start_batch, height=height, width=width):
            if self.left == 0:
                (worker,) = multiprocessing.active_children()
                assert worker.pid is not None
                os.kill(worker.pid, signal.SIGKILL)
                time.sleep(10)  # torch raises here
            self.left -= 1
            yield batch


class LosingLoader(StoppingTrainLoader):
    """Loses the folder of its pictures before the batch after so many."""

    folder: Path

    def epoch(
        self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
    ) -> Iterator[Batch]:
        for batch in super(StoppingTrainLoader, self).epoch(epoch, start_batch=start_batch, height=height, width=width):
            if self.left == 0:
                shutil.move(self.folder, self.folder.with_name("elsewhere"))
            self.left -= 1
            yield batch


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> PictureCache:
    return read_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by its signal")
def test_a_killed_loader_worker_is_one_line_and_the_run_goes_on_to_the_same_bits(
    pictures: PictureCache, tmp_path: Path
) -> None:
    with pytest.raises(RunError) as caught:
        train_pictures(pictures, steps=STEPS, workers=1, stop_after=5, folder=tmp_path, loader=KillingLoader)
    line = str(caught.value)
    assert line.startswith(
        "a loader worker, which prepares pictures, was killed (Killed), as a rule for lack of memory"
    )
    assert line.endswith("the checkpoint of step 5 is kept, and the same command goes on from there")
    assert "\n" not in line
    again = train_pictures(pictures, steps=STEPS, workers=1, folder=tmp_path, net_seed=9)
    assert same_weights(train_pictures(pictures, steps=STEPS), again)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_vanished_data_folder_is_one_line_and_the_run_goes_on_to_the_same_bits(tmp_path: Path, workers: int) -> None:
    folder = tmp_path / "pictures"
    pictures = read_pictures(folder, limit_bytes=0)
    LosingLoader.folder = folder
    with pytest.raises(DataError) as caught:
        # A long time between checkpoints, so that the last step's is the one that the fault itself led to.
        train_pictures(
            pictures,
            steps=STEPS,
            workers=workers,
            stop_after=3,
            folder=tmp_path / "run",
            loader=LosingLoader,
            checkpoint_every_seconds=1e9,
        )
    line = str(caught.value)
    assert "No such file or directory" in line
    assert str(folder) in line
    assert "is kept, and the same command goes on from there" in line
    assert "Traceback" not in line
    assert "\n" not in line
    (kept,) = (tmp_path / "run" / "checkpoints").iterdir()
    assert int(kept.name.removeprefix("step-")) >= 3
    shutil.move(folder.with_name("elsewhere"), folder)
    again = train_pictures(pictures, steps=STEPS, workers=workers, folder=tmp_path / "run", net_seed=9)
    assert same_weights(train_pictures(pictures, steps=STEPS), again)


def told(text: str, *, in_group: bool = False) -> str:
    with pytest.raises(RunError) as caught, faults_from_outside(lambda: "go on", in_group=in_group):
        raise RuntimeError(text)
    return str(caught.value)


def test_what_torch_says_of_a_worker_is_understood() -> None:
    assert told("DataLoader worker (pid 12) is killed by signal: Killed. ").endswith("need less; go on")
    assert "(Bus error), as a rule because shared memory (/dev/shm) is full" in told(
        "DataLoader worker (pid 12) is killed by signal: Bus error. It is possible that dataloader's workers are out "
        "of shared memory. Please try to raise your shared memory limit."
    )
    for pid in ("(pid(s) 12, 13)", "(pid 12)"):
        assert told(f"DataLoader worker {pid} exited unexpectedly") == (
            "a loader worker, which prepares pictures, ended unexpectedly; go on"
        )


def test_a_broken_connection_is_the_end_of_another_process_where_there_are_any() -> None:
    text = "[gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:2047"
    assert told(text, in_group=True) == "another of the processes that train together has ended; go on"
    with pytest.raises(RuntimeError, match="closed by peer"), faults_from_outside():
        raise RuntimeError(text)


def test_faults_of_our_own_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="sizes do not match"), faults_from_outside(in_group=True):
        raise RuntimeError("sizes do not match")
