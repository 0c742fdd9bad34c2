"""The child process of an agent: loads, times and runs files exactly as the local devices do.

One line of JSON in, one line out, for as long as its standard input is open.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import DeviceError, EdgesmithError, MissingExtraError, UsageError
from edgesmith.core.units import format_bytes
from edgesmith.devices.agent.protocol import Problem, RefusedError, Request, Work, mark
from edgesmith.devices.base import Array, Device
from edgesmith.devices.table import get_device
from edgesmith.runtimes.base import Runtime, model_files
from edgesmith.runtimes.table import RUNTIMES

FILES: Final = "files"
WORK: Final = "work"
OUTPUTS: Final = "outputs"
_SET_DEATH_SIGNAL: Final = 1


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Carries out jobs.

    Attributes:
        folder: The agent's folder, with the folders `FILES`, `WORK` and `OUTPUTS`.
        max_bytes: Largest outputs of one run.
    """

    folder: Path
    max_bytes: int

    def answer(self, job: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """What a job gave, or ``{"error": ..}``.

        Args:
            job: Names the file of a run's outputs.
            data: A `Request` as plain values.
        """
        try:
            return {"result": self._carry_out(job, from_dict(Request, data))}
        except UsageError as error:
            return RefusedError(Problem.USAGE, str(error)).to_json()
        except EdgesmithError as error:
            return RefusedError(Problem.DEVICE, str(error)).to_json()
        except Exception as error:  # of a runtime, or our own: the agent goes on, and the client hears of it
            return RefusedError(Problem.DEVICE, f"a fault of the agent's: {type(error).__name__}: {error}").to_json()

    def _carry_out(self, job: str, request: Request) -> dict[str, Any]:
        runtime = find_runtime(request.device.partition(":")[0])
        device = get_device(request.device)
        if request.work is Work.DESCRIBE:
            return to_dict(device.fingerprint())
        with tempfile.TemporaryDirectory(dir=self.folder / WORK, ignore_cleanup_errors=True) as place:
            paths = self._lay_out(request, runtime, Path(place))
            try:
                if request.plan is not None:
                    return to_dict(device.time(paths, request.plan))
                return self._run(job, device, paths[0], request)
            except EdgesmithError as error:
                raise type(error)(_without_paths(str(error), paths)) from error

    def _lay_out(self, request: Request, runtime: Runtime, place: Path) -> list[Path]:
        """The path of each model, with the names that its runtime wants; equal models share one, as they do locally."""
        found: dict[tuple[str, ...], Path] = {}
        for model in request.models:
            key = tuple(part.sha256 for part in model)
            if key not in found:
                path = place / str(len(found)) / f"model{runtime.suffix}"
                targets = model_files(path, runtime.companion_suffixes)
                if len(targets) != len(key):
                    raise UsageError(f"a model of {runtime.name} has {len(targets)} files, got {len(key)}")
                path.parent.mkdir()
                for sha256, target in zip(key, targets, strict=True):
                    _link(self.folder / FILES / sha256, target)
                found[key] = path
        return [found[tuple(part.sha256 for part in model)] for model in request.models]

    def _run(self, job: str, device: Device, path: Path, request: Request) -> dict[str, Any]:
        assert request.images is not None, "the request was checked"
        outputs = device.run(path, _read_array(self.folder / FILES / request.images.sha256))
        total = sum(output.nbytes for output in outputs)
        if total > self.max_bytes:
            raise DeviceError(
                f"the outputs have {format_bytes(total)}, over the limit of {format_bytes(self.max_bytes)}; "
                "send fewer pictures at once, or start the agent with a larger --max-file"
            )
        with (self.folder / OUTPUTS / job).open("wb") as file:
            for output in outputs:
                np.lib.format.write_array(file, np.asarray(output), allow_pickle=False)
        return {"outputs": len(outputs)}


def find_runtime(name: str) -> Runtime:
    """A runtime that is installed here.

    Raises:
        DeviceError: It is not; names those that are.
    """
    versions: dict[str, str] = {}
    absent: dict[str, str] = {}
    for runtime in RUNTIMES.values():
        try:
            versions[runtime.name] = runtime.version()
        except MissingExtraError as error:
            absent[runtime.name] = str(error)
    if name in versions:
        return RUNTIMES[name]
    has = ", ".join(f"{each} {version}" for each, version in versions.items())
    reason = f": {absent[name]}" if name in absent else ""
    raise DeviceError(f"this agent has no runtime {name!r}{reason}; it has {has}")


def _read_array(path: Path) -> Array:
    try:
        with path.open("rb") as file:
            array: Array = np.lib.format.read_array(file, allow_pickle=False)
    except ValueError as error:
        raise UsageError(f"the pictures are not an array of numbers in numpy's format: {error}") from None
    return array


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def _without_paths(message: str, paths: list[Path]) -> str:
    for path in dict.fromkeys(paths):
        message = message.replace(str(path), mark(paths.index(path)))
    return message


def main(folder: Path, max_bytes: int) -> None:
    """Answer until standard input closes."""
    _die_with_parent()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_jobs, args=(sys.stdin.buffer, jobs), daemon=True).start()
    worker = Worker(folder=folder, max_bytes=max_bytes)
    while True:
        job = json.loads(jobs.get())
        answers.write(json.dumps(worker.answer(job["job"], job["request"])).encode() + b"\n")
        answers.flush()


def _read_jobs(stream: IO[bytes], jobs: queue.SimpleQueue[bytes]) -> None:
    """Hand jobs on; when the agent is gone, end at once, whatever is being done."""
    for line in stream:
        jobs.put(line)
    os._exit(0)


def _die_with_parent() -> None:
    """Let Linux kill this process with its parent, even while a runtime keeps Python from noticing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
