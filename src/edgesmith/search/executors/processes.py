"""Worker processes of one thread each, on this machine."""

from __future__ import annotations

import atexit
import functools
import multiprocessing
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from edgesmith.core.errors import EdgesmithError, UsageError
from edgesmith.core.workers import leave_with_parent
from edgesmith.search.executors.base import DIED, MAX_DEATHS, Answer, Done, Job

_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass
class _Task:
    number: int
    job: Any
    deaths: int = 0


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    task: _Task | None = None


class Processes:
    """Runs jobs in so many processes of this machine, which are kept from run to run and end with this process.

    Args:
        slots: How many.

    Raises:
        UsageError: Less than one.
    """

    def __init__(self, slots: int) -> None:
        if slots < 1:
            raise UsageError(f"there must be at least 1 worker process, got {slots}")
        self.slots = slots
        self._workers: list[_Worker] = []
        atexit.register(self.close)  # before Python waits for children

    def run(self, work: Callable[[Job], Answer], jobs: Iterable[Job]) -> Iterator[Done[Answer]]:
        """See `Executor.run`."""
        packed = pickle.dumps(work)
        tasks = (_Task(number, job) for number, job in enumerate(jobs))
        again: list[_Task] = []
        try:
            while True:
                self._occupy(packed, tasks, again)
                busy = {worker.pipe: worker for worker in self._workers if worker.task is not None}
                if not busy:
                    return
                ready = connection.wait(list(busy))
                for pipe, worker in busy.items():
                    if pipe in ready:
                        yield from self._hear(worker, again)
        finally:
            self._end([worker for worker in self._workers if worker.task is not None])

    def close(self) -> None:
        """See `Executor.close`."""
        self._end(list(self._workers))

    def _occupy(self, packed: bytes, tasks: Iterator[_Task], again: list[_Task]) -> None:
        """Give every idle worker a task, as long as there are any."""
        while sum(worker.task is not None for worker in self._workers) < self.slots:
            task = again.pop() if again else next(tasks, None)
            if task is None:
                return
            self._give(packed, task)

    def _give(self, packed: bytes, task: _Task) -> None:
        while True:
            idle = next((worker for worker in self._workers if worker.task is None), None) or self._start()
            try:
                idle.pipe.send((packed, task.job))
            except (BrokenPipeError, ConnectionResetError):  # it died while it had nothing to do
                self._end([idle])
                continue
            idle.task = task
            return

    def _hear(self, worker: _Worker, again: list[_Task]) -> Iterator[Done[Any]]:
        """What a worker has to say; silence is death."""
        task = worker.task
        if task is None:
            return
        try:
            answer, failure, defect = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._end([worker])
            task.deaths += 1
            if task.deaths < MAX_DEATHS:
                again.append(task)
            else:
                yield Done(number=task.number, failure=DIED)
            return
        worker.task = None
        if defect is not None:
            raise defect
        yield Done(number=task.number, answer=answer, failure=failure)

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,))  # no daemon: it may have children
        with _environment(_ONE_THREAD):
            process.start()
        theirs.close()  # so that the pipe ends with the worker
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _end(self, workers: list[_Worker]) -> None:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.process.close()
            worker.pipe.close()
            self._workers.remove(worker)


def _serve(pipe: Connection) -> None:
    """Be a worker: answer until nobody asks any more."""
    leave_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the parent, which ends its workers
    unpack = functools.lru_cache(maxsize=1)(pickle.loads)
    with suppress(EOFError):
        while True:
            packed, job = pipe.recv()
            pipe.send(_attempt(unpack, packed, job))


def _attempt(unpack: Callable[[bytes], Any], packed: bytes, job: Any) -> tuple[Any, str | None, Exception | None]:
    """Answer, failure and defect, of which one is there."""
    try:
        return unpack(packed)(job), None, None
    except EdgesmithError as error:
        return None, str(error), None
    except Exception as error:
        error.add_note("in a worker process:\n" + traceback.format_exc())
        return None, None, _portable(error)


def _portable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("\n".join([repr(error), *error.__notes__]))
    return error


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables as children are to see them: libraries read them when they load."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
