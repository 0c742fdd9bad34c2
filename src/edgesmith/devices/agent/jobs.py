"""One thing at a time: jobs and arriving files, with a limit in time, for clients that may vanish."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from edgesmith.core.config import to_dict
from edgesmith.core.units import format_duration
from edgesmith.devices.agent.process import WorkerProcess
from edgesmith.devices.agent.protocol import Problem, RefusedError, Request
from edgesmith.devices.agent.store import Store

_KEEP_WORKER_S: Final = 60.0
_PRECEDENCE_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What goes on.

    Attributes:
        about: In a few words.
        client: For whom.
        begun_s: Since when, on the monotonic clock.
        clock: Since when, for people.
    """

    about: str
    client: str
    begun_s: float = field(default_factory=time.monotonic)
    clock: str = field(default_factory=lambda: time.strftime("%H:%M:%S"))

    def __str__(self) -> str:
        took = format_duration(time.monotonic() - self.begun_s)
        return f"{self.about} for {self.client}, since {self.clock} ({took})"


@dataclass(kw_only=True)
class Job:
    """A request that was taken on.

    Attributes:
        name: Its secret name.
        request: What to do.
        begun_s: When, on the monotonic clock.
        seen_s: When its client was last heard of.
        waiting: Requests of the client that wait for its end just now.
        cancelled: Whether the client wants no more of it.
        answer: ``{"result": ..}`` or ``{"error": ..}`` once it is done.
    """

    request: Request
    begun_s: float
    seen_s: float
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    waiting: int = 0
    cancelled: bool = False
    answer: Mapping[str, Any] | None = None


class Desk:
    """Takes on one job or one arriving file at a time; work is done by one child process, kept between jobs.

    A measurement is a row of jobs. So for a moment after a job the others wait, and its client goes first.

    Args:
        store: Holds what clients sent.
        start: Starts the child process.
        work: Folder of the child, emptied when it was killed.
        outputs: Folder of the outputs of runs.
        time_limit_s: A job that takes longer is stopped.
        patience_s: A job whose client has not been heard of for so long is stopped.
    """

    def __init__(
        self,
        store: Store,
        start: Callable[[], WorkerProcess],
        *,
        work: Path,
        outputs: Path,
        time_limit_s: float,
        patience_s: float,
    ) -> None:
        self._store = store
        self._start = start
        self._place = work
        self._outputs = outputs
        self._time_limit_s = time_limit_s
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._turn: Turn | None = None
        self._last: tuple[Turn, float] | None = None
        self._job: Job | None = None
        self._worker: WorkerProcess | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def receive(self, sha256: str, stream: BinaryIO, length: int, *, client: str) -> None:
        """Take in a file of a client; see `Store.receive`.

        Raises:
            RefusedError: Something else is going on, or the store refuses.
        """
        with self._changed:
            self._begin("receiving a file", client)
        try:
            self._store.receive(sha256, stream, length)
        finally:
            with self._changed:
                self._end()

    def submit(self, request: Request, *, client: str) -> str:
        """Begin a job of a client.

        Returns:
            Its name, which only this client gets.

        Raises:
            RefusedError: Something else is going on, or files are too large or missing.
        """
        with self._changed:
            self._begin(request.about, client)
            try:
                self._store.require(request.contents)
            except RefusedError:
                self._end()
                raise
            now = time.monotonic()
            self._job = Job(request=request, begun_s=now, seen_s=now)
            return self._job.name

    def wait(self, name: str, seconds: float) -> Mapping[str, Any] | None:
        """The answer of a job; None when it is not there within some seconds.

        Raises:
            RefusedError: There is no such job, or the agent is being stopped.
        """
        with self._changed:
            job = self._find(name)
            job.waiting += 1
            self._changed.wait_for(lambda: job.answer is not None or self._closed, timeout=seconds)
            job.waiting -= 1
            job.seen_s = time.monotonic()
            if job.answer is None and self._closed:
                raise RefusedError(Problem.STOPPED, "the agent is being stopped")
            return job.answer

    def outputs(self, name: str) -> Path:
        """The file with a job's outputs.

        Raises:
            RefusedError: There is no such job, or it has none.
        """
        with self._changed:
            path = self._outputs / self._find(name).name
        if not path.is_file():
            raise RefusedError(Problem.UNKNOWN, "this job has no outputs")
        return path

    def cancel(self, name: str) -> None:
        """Stop a job whose result nobody wants any more."""
        with self._changed:
            self._find(name).cancelled = True
            if self._worker is not None:
                self._worker.wake()

    def close(self) -> None:
        """Stop whatever is going on."""
        with self._changed:
            self._closed = True
            if self._worker is not None:
                self._worker.wake()
            self._changed.notify_all()
        self._thread.join()

    def _begin(self, about: str, client: str) -> None:
        last, going_on = self._last, self._turn
        if last is not None and going_on is None and last[0].client != client:
            wait_s = max(0.0, last[1] + _PRECEDENCE_S - time.monotonic())
            self._changed.wait_for(lambda: self._turn is not None or self._last is not last or self._closed, wait_s)
            if self._last is not last and self._last is not None:
                going_on = self._last[0]
        if self._closed:
            raise RefusedError(Problem.STOPPED, "the agent is being stopped")
        going_on = self._turn or going_on
        if going_on is not None:
            raise RefusedError(Problem.BUSY, f"it is {going_on}; try again when that is done")
        self._turn = Turn(about=about, client=client)
        self._changed.notify_all()

    def _end(self) -> None:
        if self._turn is not None:
            self._last = (self._turn, time.monotonic())
        self._turn = None

    def _find(self, name: str) -> Job:
        if self._job is None or self._job.name != name:
            raise RefusedError(Problem.UNKNOWN, "it knows nothing of this job any more; was it started anew?")
        return self._job

    def _work(self) -> None:
        """The life of the one thread that owns the child process."""
        try:
            while (job := self._next_job()) is not None:
                answer = self._carry_out(job)
                with self._changed:
                    job.answer = answer
                    self._end()
                    self._changed.notify_all()
        finally:
            self._end_worker()

    def _next_job(self) -> Job | None:
        """The next job; None when the desk closes. An idle child is ended after a while."""
        with self._changed:
            while not self._closed:
                if self._job is not None and self._job.answer is None:
                    return self._job
                if not self._changed.wait(timeout=None if self._worker is None else _KEEP_WORKER_S):
                    self._end_worker()
        return None

    def _carry_out(self, job: Job) -> Mapping[str, Any]:
        try:
            _empty(self._outputs)
            if self._worker is None or not self._worker.is_alive:
                self._end_worker()
                self._worker = self._start()
            self._worker.send({"job": job.name, "request": to_dict(job.request)})
            while (stop := self._reason_to_stop(job)) is None:
                answer = self._worker.next_answer(self._seconds_to_look(job))
                if answer is not None:
                    return answer
            self._end_worker()
            return stop.to_json()
        except EOFError as error:
            self._end_worker()
            return RefusedError(Problem.DEVICE, f"the runtime crashed while {job.request.about} ({error})").to_json()
        except Exception as error:  # the agent goes on with the next job, and this client hears of it
            self._end_worker()
            return RefusedError(Problem.DEVICE, f"the job cannot be done: {error}").to_json()

    def _reason_to_stop(self, job: Job) -> RefusedError | None:
        with self._changed:
            now = time.monotonic()
            if self._closed:
                return RefusedError(Problem.STOPPED, "the agent is being stopped")
            if job.cancelled:
                return RefusedError(Problem.STOPPED, "the job was stopped by its client")
            if now - job.begun_s >= self._time_limit_s:
                limit = format_duration(self._time_limit_s)
                return RefusedError(
                    Problem.STOPPED,
                    f"{job.request.about} took longer than {limit} and was stopped; "
                    "start the agent with a larger --time-limit",
                )
            if not job.waiting and now - job.seen_s >= self._patience_s:
                return RefusedError(Problem.STOPPED, "the job was stopped, because its client was not heard of")
            return None

    def _seconds_to_look(self, job: Job) -> float:
        """When the next reason to stop can come; until then the machine is left alone."""
        with self._changed:
            now = time.monotonic()
            heard_s = now if job.waiting else job.seen_s
            return min(job.begun_s + self._time_limit_s, heard_s + self._patience_s) - now

    def _end_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
        _empty(self._place)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # who needs it will say so
        folder.mkdir(exist_ok=True)
