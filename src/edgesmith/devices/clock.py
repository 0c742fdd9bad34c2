"""Time on the wall, time on a core, and how often another task came between."""

from __future__ import annotations

import os
import sys
import time
from typing import Literal, Protocol


class Clock(Protocol):
    """What a session reads before and after each timed stretch."""

    def wall_s(self) -> float:
        """Seconds that only grow."""

    def cpu_s(self) -> float | None:
        """Seconds that the calling thread has been on a core; None where that is not told finely enough."""

    def process_s(self) -> float | None:
        """Seconds that all threads of the process have been on cores, where several share a run; else None."""

    def switches(self) -> int:
        """Times that the calling thread was put aside although it wanted to go on."""


class SystemClock:
    """The clocks of this machine.

    Args:
        threads: Threads that share a run; with several, the calling thread's own time tells little and is left out.
    """

    def __init__(self, *, threads: int = 1) -> None:
        self._has_cpu = threads == 1 and _is_fine("thread_time")
        self._has_process = threads > 1 and _is_fine("process_time")

    def wall_s(self) -> float:
        """Seconds of the highest-resolution monotonic clock."""
        return time.perf_counter()

    def cpu_s(self) -> float | None:
        """Seconds of this thread on a core; None where its steps are too coarse (16 ms on Windows)."""
        return time.thread_time() if self._has_cpu else None

    def process_s(self) -> float | None:
        """Seconds of all threads on cores; None for one thread, and where its steps are too coarse."""
        return time.process_time() if self._has_process else None

    def switches(self) -> int:
        """Involuntary context switches of this thread; 0 outside Linux."""
        if sys.platform != "linux":
            return 0
        import resource

        return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw


def _is_fine(name: Literal["thread_time", "process_time"]) -> bool:
    """Whether a clock tells microseconds."""
    return time.get_clock_info(name).resolution <= 1e-6


def load_average() -> float | None:
    """Tasks that wanted a core in the last minute; None where the system does not tell."""
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None
