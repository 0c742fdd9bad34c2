"""One command in several processes that train together, on this machine; torchrun does it on several."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import IO, Final

from edgesmith.core.errors import RunError
from edgesmith.core.threads import max_threads

_GRACE_S: Final = 5.0
_POLL_S: Final = 0.1


def run_together(arguments: Sequence[str], count: int) -> int:
    """Run ``edgesmith ARGUMENTS`` in so many processes; the first one talks.

    When one fails or is killed the others are ended: they would wait for it for ever.

    Args:
        arguments: Of the command line.
        count: Processes.

    Returns:
        The exit status of the first process that failed, else 0.

    Raises:
        RunError: A process was killed; names it and the signal.
    """
    with contextlib.ExitStack() as stack:
        logs = [None if rank == 0 else stack.enter_context(tempfile.TemporaryFile()) for rank in range(count)]
        port = free_port()
        processes = [_start(arguments, rank, count, log, port) for rank, log in enumerate(logs)]
        stack.callback(_end, processes)
        try:
            rank = _first_to_fail(processes)
        except KeyboardInterrupt:
            return 130
        if rank is None:
            return 0
        status = processes[rank].returncode
        _end(processes)
        if status < 0:
            name = signal.Signals(-status).name
            raise RunError(f"process {rank} of {count} was killed ({name}); the same command goes on where it was")
        log = logs[rank]
        if log is not None:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
        return status


def place_of(rank: int, count: int, port: int) -> dict[str, str]:
    """The variables by which torchrun tells a process its place, all on this machine.

    Args:
        rank: Of the process, from 0.
        count: Processes.
        port: Where they meet; see `free_port`.
    """
    return {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "GROUP_RANK": "0",
        "TORCHELASTIC_RUN_ID": "edgesmith",
    }


def free_port() -> int:
    """A port that nobody listens on, for now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(
    arguments: Sequence[str], rank: int, count: int, log: IO[bytes] | None, port: int
) -> subprocess.Popen[bytes]:
    threads = {"OMP_NUM_THREADS": str(max(1, max_threads() // count))}
    return subprocess.Popen(
        [sys.executable, "-m", "edgesmith", *arguments],
        env=threads | os.environ | place_of(rank, count, port),
        stdout=None if log is None else subprocess.DEVNULL,
        stderr=log,
    )


def _first_to_fail(processes: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """Rank of the first process that ended badly; None once all ended well."""
    while True:
        states = [process.poll() for process in processes]
        for rank, state in enumerate(states):
            if state not in (None, 0):
                return rank
        if all(state == 0 for state in states):
            return None
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
