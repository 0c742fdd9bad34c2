"""What every executor must do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.core.files import read_lines
from edgesmith.search.executors.base import DIED, Executor
from edgesmith.search.executors.table import make_executor
from tests.search.evaluations import Synthetic, evaluated, worth

POINTS = [(number % 3, number // 3, *(0,) * 6) for number in range(9)]
EXECUTORS = ["here", "processes:2", pytest.param("ray", marks=pytest.mark.slow)]
APART = EXECUTORS[1:]  # in other processes than ours


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    made = make_executor(request.param)
    yield made
    made.close()
    made.close()


@pytest.fixture(scope="module", params=APART)
def apart(request: pytest.FixtureRequest) -> Iterator[Executor]:
    made = make_executor(request.param)
    yield made
    made.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "evaluations.jsonl"


def divide(number: int) -> float:
    return 12 / number


def settings_of(number: int) -> tuple[int, str | None]:
    del number
    return os.getpid(), os.environ.get("OMP_NUM_THREADS")


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def test_every_job_is_handed_back_once_with_its_answer(executor: Executor, log: Path) -> None:
    ended = list(executor.run(Synthetic(log=log), POINTS))
    assert sorted(done.number for done in ended) == list(range(9))
    for done in ended:
        assert done.answer == {"accuracy": worth(POINTS[done.number]), "parameters": float(sum(POINTS[done.number]))}
    assert sorted(evaluated(log)) == sorted(POINTS)


def test_no_jobs_are_no_trouble(executor: Executor) -> None:
    assert list(executor.run(divide, [])) == []


def test_a_job_that_is_refused_is_given_up_and_the_others_go_on(executor: Executor, log: Path) -> None:
    ended = {done.number: done for done in executor.run(Synthetic(log=log, refused=(POINTS[4],)), POINTS)}
    assert (ended[4].answer, ended[4].failure) == (None, str(DeviceError(f"{POINTS[4]} does not fit")))
    assert len(evaluated(log)) == len(ended) == 9
    assert [number for number, done in ended.items() if done.failure] == [4]


def test_a_defect_ends_the_run_and_the_executor_lives(executor: Executor) -> None:
    with pytest.raises(ZeroDivisionError):
        list(executor.run(divide, [1, 0, 2, 3, 4]))
    assert [done.answer for done in executor.run(divide, [6])] == [2.0]


def test_a_job_is_taken_only_when_a_slot_is_free(executor: Executor) -> None:
    taken = 0

    def jobs() -> Iterator[int]:
        nonlocal taken
        for _ in range(8):
            taken += 1
            yield taken

    for number, _ in enumerate(executor.run(divide, jobs())):
        assert taken <= number + 1 + executor.slots


def test_jobs_run_in_other_processes_of_one_thread_that_are_kept(apart: Executor) -> None:
    runs = [[done.answer for done in apart.run(settings_of, range(6))] for _ in range(2)]
    processes = {answer[0] for run in runs for answer in run if answer is not None}
    assert os.getpid() not in processes
    assert len(processes) <= apart.slots + 1  # Ray may start one more
    assert {answer[1] for run in runs for answer in run if answer is not None} == {"1"}


def test_a_quick_job_does_not_wait_for_a_slow_one(apart: Executor) -> None:
    list(apart.run(nap, [0.3] * 4))  # everybody is awake
    assert [done.number for done in apart.run(nap, [1.5, 0.0])] == [1, 0]


@pytest.mark.parametrize("deaths", [1, 2, 3])
def test_a_job_whose_worker_is_killed_is_tried_once_more(apart: Executor, log: Path, deaths: int) -> None:
    ended = {done.number: done for done in apart.run(Synthetic(log=log, deadly=((POINTS[2], deaths),)), POINTS)}
    assert sorted(ended) == list(range(9))
    assert {number for number, done in ended.items() if done.failure} == ({2} if deaths > 1 else set())
    assert ended[2].failure == (DIED if deaths > 1 else None)
    assert evaluated(log).count(POINTS[2]) == 2
    assert len(evaluated(log)) == 10


@pytest.mark.parametrize("name", APART)
def test_workers_end_with_their_parent_even_when_it_is_killed(name: str, log: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from edgesmith.search.executors.table import make_executor\n"
        "from tests.search.evaluations import Synthetic\n"
        "if __name__ == '__main__':\n"
        f"    work = Synthetic(log=Path({str(log)!r}), seconds=60)\n"
        f"    list(make_executor({name!r}).run(work, [(0,) * 8, (1,) * 8]))\n"
    )
    file = log.with_name("parent.py")
    file.write_text(script)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])}
    parent = subprocess.Popen([sys.executable, str(file)], env=environment, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(evaluated(log)) == 2, 60)
    workers = [line["process"] for line in read_lines(log)]
    assert all(map(is_alive, workers))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not any(map(is_alive, workers)), 30)


def wait_for(condition: object, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    """Whether it runs; a dead one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
