"""Jobs: one `edgesmith` command at a time, each with a folder of its own that outlives page and server.

A job's folder holds ``job.json`` (what it is), ``log.txt`` (its notes and errors), ``progress.json`` (where it is),
``output.json`` (its result) and, where pictures were sent, their archive. Removing the job removes all of it.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import EdgesmithError, RunError, UsageError
from edgesmith.core.files import read_json, write_json
from edgesmith.core.progress_file import PROGRESS_VARIABLE, StageSight, read_progress
from edgesmith.web.places import file_inside
from edgesmith.web.processes import end_group, is_same_process, started_at
from edgesmith.web.states import State

JOB_NAME: Final = "job.json"
LOG_NAME: Final = "log.txt"
PROGRESS_NAME: Final = "progress.json"
OUTPUT_NAME: Final = "output.json"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One command.

    Attributes:
        key: Name of its folder.
        verb: ``check``, ``measure`` or ``fit``.
        title: What it is, in a few words.
        arguments: Of `edgesmith`, the verb first.
        run: Name of the run folder that it writes; empty for none.
        created_at: Seconds of the epoch.
        pid: Of its last process; 0 before the first.
        process_started: What the system says of that process' start, so that a reused number is not taken for it.
        exit_code: Of its last process; None while it runs, or where nobody saw it end.
        is_stopped: Whether a person stopped it.
        ended_at: When that was seen; None while it runs.
    """

    key: str
    verb: str
    title: str
    arguments: tuple[str, ...]
    run: str = ""
    created_at: float
    pid: int = 0
    process_started: str = ""
    exit_code: int | None = None
    is_stopped: bool = False
    ended_at: float | None = None


class Jobs:
    """All jobs of a served folder.

    Args:
        folder: Takes a folder for each.
        command: What runs a verb; another one in tests.
    """

    def __init__(self, folder: Path, *, command: Sequence[str] = (sys.executable, "-m", "edgesmith")) -> None:
        self._folder, self._command = folder, tuple(command)
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None

    def path(self, key: str) -> Path:
        """A job's folder."""
        return self._folder / key

    def all(self) -> list[Job]:
        """All that can be read, the newest first."""
        if not self._folder.is_dir():
            return []
        found = [self.get(path.parent.name) for path in self._folder.glob(f"*/{JOB_NAME}")]
        return sorted((job for job in found if job), key=lambda job: job.created_at, reverse=True)

    def get(self, key: str) -> Job | None:
        """One job; None where there is none of that name."""
        if not key.isascii() or not key.replace("-", "").isalnum():
            return None
        path = file_inside(self._folder, f"{key}/{JOB_NAME}")
        try:
            return None if path is None else from_dict(Job, read_json(path))
        except (EdgesmithError, TypeError):
            return None

    def state(self, job: Job) -> State:
        """How far it is."""
        if self._is_running(job):
            return State.RUNNING
        output = self.path(job.key) / OUTPUT_NAME
        if output.is_file() and output.stat().st_size:  # also with exit code 1: a budget missed, a fault found
            return State.FINISHED
        code = self._exit_code(job)
        by_signal = code is not None and (code < 0 or code == 128 + signal.SIGINT)
        unseen = code is None  # its server was killed
        return State.STOPPED if job.is_stopped or by_signal or unseen else State.FAILED

    def sights(self, job: Job) -> list[StageSight]:
        """What it tells of its stages, the outermost first."""
        path = file_inside(self.path(job.key), PROGRESS_NAME)
        return [] if path is None else read_progress(path)

    def running(self) -> Job | None:
        """The one that runs."""
        return next((job for job in self.all() if self._is_running(job)), None)

    def new_folder(self) -> str:
        """An empty folder for a job that is being put together."""
        key = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        self.path(key).mkdir(parents=True)
        return key

    def start(self, job: Job) -> None:
        """Run it, or go on with it.

        Raises:
            UsageError: Another one runs.
        """
        with self._lock:
            busy = self.running()
            if busy is not None:
                raise UsageError(f"one job runs at a time, and {busy.title} is running; stop it first or wait for it")
            folder = self.path(job.key)
            for name in (OUTPUT_NAME, PROGRESS_NAME):
                (folder / name).unlink(missing_ok=True)
            self._process = self._spawn(job, folder)
            pid = self._process.pid
            begun = replace(
                job, pid=pid, process_started=started_at(pid), exit_code=None, is_stopped=False, ended_at=None
            )
            self._save(begun)
            threading.Thread(target=self._wait, args=(self._process, job.key), daemon=True).start()

    def stop(self, job: Job) -> None:
        """End it with all its processes; what it finished stays, so that it can go on."""
        with self._lock:
            if not self._is_running(job):
                return
            self._save(replace(job, is_stopped=True))
        end_group(job.pid, is_alive=lambda: self._is_running(job))

    def remove(self, job: Job) -> None:
        """Forget it, with its log and the pictures that were sent for it; a run folder that it wrote stays.

        Raises:
            UsageError: It runs.
        """
        with self._lock:
            if self._is_running(job):
                raise UsageError(f"{job.title} is running; stop it first")
            shutil.rmtree(self.path(job.key), ignore_errors=True)

    def close(self) -> None:
        """Stop what runs: the server goes."""
        job = self.running()
        if job is not None:
            self.stop(job)

    def _spawn(self, job: Job, folder: Path) -> subprocess.Popen[bytes]:
        environment = {**os.environ, PROGRESS_VARIABLE: str((folder / PROGRESS_NAME).absolute())}
        try:
            with (folder / OUTPUT_NAME).open("wb") as output, (folder / LOG_NAME).open("ab") as log:
                return subprocess.Popen(
                    [*self._command, *job.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=log,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            raise RunError(f"the job cannot be started: {error.strerror or error}") from error

    def _wait(self, process: subprocess.Popen[bytes], key: str) -> None:
        code = process.wait()
        with self._lock:
            job = self.get(key)
            if job is not None and job.pid == process.pid:
                self._save(replace(job, exit_code=code, ended_at=time.time()))

    def _is_running(self, job: Job) -> bool:
        if not job.pid or job.exit_code is not None:
            return False
        process = self._process
        if process is not None and process.pid == job.pid:
            return process.poll() is None
        return is_same_process(job.pid, job.process_started)

    def _exit_code(self, job: Job) -> int | None:
        process = self._process
        seen = process is not None and process.pid == job.pid and job.exit_code is None
        return process.returncode if seen and process is not None else job.exit_code

    def _save(self, job: Job) -> None:
        write_json(self.path(job.key) / JOB_NAME, to_dict(job))


def shown_command(job: Job, folder: Path) -> str:
    """Its command for people.

    Args:
        job: The job.
        folder: The served one; paths in it are shown from there on, of other paths the last part.
    """
    return shlex.join(["edgesmith", *(_shown(argument, folder.absolute()) for argument in job.arguments)])


def _shown(argument: str, folder: Path) -> str:
    option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    path = Path(value)
    if not path.is_absolute():
        return argument
    return f"{option}{equals}{path.relative_to(folder) if path.is_relative_to(folder) else path.name}"
