"""One command in several processes that train together, on this machine, or on each of several as one of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Final

from edgesmith.core.errors import RunError, UsageError
from edgesmith.core.threads import max_threads

_GRACE_S: Final = 5.0
_POLL_S: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Machines:
    """The machines that train together; by default this one.

    Attributes:
        count: How many; each has as many processes.
        rank: Which of them this one is, from 0.
        host: Name or address of the first, as all reach it.
        port: Of the first, where all meet; 0 takes a free one, which only one machine alone can.
    """

    count: int = 1
    rank: int = 0
    host: str = "127.0.0.1"
    port: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.count:
            raise UsageError(f"--node-rank counts the machines from 0 to {self.count - 1}, got {self.rank}")
        if self.count > 1 and not self.port:
            raise UsageError(
                f"{self.count} machines need a place to meet: --main HOST:PORT of the first, on each of them"
            )


def parse_machines(count: int, rank: int, main: str | None) -> Machines:
    """What ``--nodes``, ``--node-rank`` and ``--main`` say.

    Raises:
        UsageError: They do not fit together.
    """
    if main is None:
        return Machines(count=count, rank=rank)
    host, _, port = main.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise UsageError(f"--main is HOST:PORT, such as 10.0.0.1:29500, got {main!r}")
    return Machines(count=count, rank=rank, host=host.strip("[]"), port=int(port))


def run_together(arguments: Sequence[str], count: int, *, machines: Machines = Machines()) -> int:
    """Run ``edgesmith ARGUMENTS`` in so many processes; the first one talks.

    When one fails or is killed the others here are ended: they would wait for it for ever. Those of other machines end
    by themselves when their connections break.

    Args:
        arguments: Of the command line.
        count: Processes on this machine, and on each of the others.
        machines: Where the others are.

    Returns:
        The exit status of the first process that failed, else 0.

    Raises:
        RunError: A process was killed; names it and the signal.
    """
    with contextlib.ExitStack() as stack:
        logs = [None if rank == 0 else stack.enter_context(tempfile.TemporaryFile()) for rank in range(count)]
        machines = machines if machines.port else replace(machines, port=free_port())
        places = [place_of(rank, count, machines.port, machines=machines) for rank in range(count)]
        processes = [_start(arguments, place, log) for place, log in zip(places, logs, strict=True)]
        stack.callback(_end, processes)
        try:
            failed = _first_to_fail(processes)
        except KeyboardInterrupt:
            return 130
        if not failed:
            return 0
        _end(processes)
        for rank, status in failed.items():
            if status < 0:
                name, number = signal.Signals(-status).name, int(places[rank]["RANK"])
                raise RunError(
                    f"process {number} of {machines.count * count} was killed ({name}); "
                    f"the same command goes on where it was"
                )
        for rank in failed:
            log = logs[rank]
            if log is not None:
                log.seek(0)
                sys.stderr.write(log.read().decode(errors="replace"))
        return next(iter(failed.values()))


def place_of(rank: int, count: int, port: int, *, machines: Machines = Machines()) -> dict[str, str]:
    """The variables by which torchrun tells a process its place.

    Args:
        rank: Of the process among those of its machine, from 0.
        count: Processes of a machine.
        port: Where they meet; see `free_port`.
        machines: Where the others are.
    """
    return {
        "MASTER_ADDR": machines.host,
        "MASTER_PORT": str(port),
        "RANK": str(machines.rank * count + rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(machines.count * count),
        "LOCAL_WORLD_SIZE": str(count),
        "GROUP_RANK": str(machines.rank),
        "TORCHELASTIC_RUN_ID": "edgesmith",
    }


def free_port() -> int:
    """A port that nobody listens on, for now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(arguments: Sequence[str], place: Mapping[str, str], log: IO[bytes] | None) -> subprocess.Popen[bytes]:
    threads = {"OMP_NUM_THREADS": str(max(1, max_threads() // int(place["LOCAL_WORLD_SIZE"])))}
    return subprocess.Popen(
        [sys.executable, "-m", "edgesmith", *arguments],
        env=threads | os.environ | dict(place),
        stdout=None if log is None else subprocess.DEVNULL,
        stderr=log,
    )


def _first_to_fail(processes: Sequence[subprocess.Popen[bytes]]) -> dict[int, int]:
    """Those that ended badly, with their status, as soon as there is one; none once all ended well."""
    while True:
        states = [process.poll() for process in processes]
        failed = {rank: state for rank, state in enumerate(states) if state}
        if failed or all(state == 0 for state in states):
            return failed
        time.sleep(_POLL_S)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        process.kill()
        process.wait()
