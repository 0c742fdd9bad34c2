"""Which cores this process may use, which of them are idle, and pinning to those."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgesmith.core.files import read_number

_ROOT: Final = Path("/")
_LOOK_S: Final = 0.15
_FRESH_S: Final = 2.0
_WORTH_MOVING: Final = 0.15


@dataclass(frozen=True, kw_only=True)
class CoreTimes:
    """What a core did since the machine started, in clock ticks.

    Attributes:
        busy: Ticks of any work, those taken by the hypervisor included.
        stolen: Ticks that the hypervisor gave to others.
        total: All ticks.
    """

    busy: int
    stolen: int
    total: int


def fastest_cores(cores: tuple[int, ...], root: Path = _ROOT) -> tuple[int, ...]:
    """Of ``cores`` those of the fastest kind, where the processor has several kinds."""
    speeds = {core: _capacity(core, root) for core in cores}
    best = max(speeds.values(), default=0)
    return tuple(core for core in cores if speeds[core] == best)


def read_core_times(root: Path = _ROOT) -> Mapping[int, CoreTimes]:
    """Ticks of each core; empty where the system does not tell."""
    try:
        lines = (root / "proc/stat").read_text().splitlines()
    except OSError:
        return {}
    rows = [line.split() for line in lines if line.startswith("cpu") and line[3:4].isdigit()]
    return {int(row[0][3:]): _core_times([int(value) for value in row[1:9]]) for row in rows}


class Cores:
    """Chooses the least busy cores for one session and pins to them.

    The choice is made from a short look before the first loading, then from what each core did during the loading
    before, less our own work; a session right after another (`again`) needs no look. What others do on a core that
    we would join is counted as what they would keep beside us: half of a core that they fill. Cores of the fastest
    kind are preferred.
    """

    def __init__(
        self,
        threads: int,
        *,
        read: Callable[[], Mapping[int, CoreTimes]] = read_core_times,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._threads = threads
        self._read = read
        self._sleep = sleep
        self._started = read()
        self._busy: dict[int, float] | None = None
        self._chosen: tuple[int, ...] = ()
        self._shares: list[float] = []
        self._seen_s = -_FRESH_S

    def again(self) -> Cores:
        """For another session, which takes what this one saw last for its look, unless that is two seconds ago."""
        following = Cores(self._threads, read=self._read, sleep=self._sleep)
        if time.monotonic() - self._seen_s < _FRESH_S:
            following._busy, following._chosen = self._busy, self._chosen
        return following

    @contextmanager
    def pinned(self) -> Iterator[tuple[int, ...]]:
        """Pin the calling thread, and the threads that it starts, to the chosen cores; undone at the end.

        Yields:
            The cores; empty where pinning is not possible.
        """
        if not hasattr(os, "sched_setaffinity"):
            yield ()
            return
        before = os.sched_getaffinity(0)
        self._chosen = self._choose(tuple(sorted(before)))
        ticks, own_s = self._read(), time.process_time()
        os.sched_setaffinity(0, self._chosen)
        try:
            yield self._chosen
        finally:
            os.sched_setaffinity(0, before)
            self._busy = self._others(ticks, self._read(), time.process_time() - own_s)
            self._seen_s = time.monotonic()
            self._shares += [self._busy[core] for core in self._chosen if core in self._busy]

    def steal(self) -> float | None:
        """Share of the time since the session began that the hypervisor took from the allowed cores, 0..1."""
        now = self._read()
        total = sum(now[core].total - self._started[core].total for core in now if core in self._started)
        stolen = sum(now[core].stolen - self._started[core].stolen for core in now if core in self._started)
        return stolen / total if total else None

    def others(self) -> float | None:
        """Share of the chosen cores' time while pinned that went to work of others, 0..1."""
        return sum(self._shares) / len(self._shares) if self._shares else None

    def _choose(self, allowed: tuple[int, ...]) -> tuple[int, ...]:
        if len(allowed) <= self._threads:
            return allowed
        if self._busy is None:
            before = self._read()
            self._sleep(_LOOK_S)
            self._busy = self._others(before, self._read(), 0.0)
        busy = self._busy
        fast = fastest_cores(allowed)
        candidates = fast if len(fast) >= self._threads else allowed

        def cost(core: int) -> tuple[float, int]:
            share = busy.get(core, 0.0)
            if core in self._chosen:
                return share - _WORTH_MOVING, -core
            return share / (1 + share), -core

        return tuple(sorted(sorted(candidates, key=cost)[: self._threads]))

    def _others(
        self, before: Mapping[int, CoreTimes], after: Mapping[int, CoreTimes], own_s: float
    ) -> dict[int, float]:
        """Share of each core's time that went to work of others."""
        own_ticks = own_s * _ticks_per_second() / max(1, self._threads)
        shares = {}
        for core in after.keys() & before.keys():
            busy = after[core].busy - before[core].busy - (own_ticks if core in self._chosen else 0.0)
            total = after[core].total - before[core].total
            shares[core] = max(0.0, busy) / total if total else 0.0
        return shares


def _core_times(ticks: list[int]) -> CoreTimes:
    """From user, nice, system, idle, iowait, irq, softirq, steal."""
    total = sum(ticks)
    idle = ticks[3] + ticks[4]
    return CoreTimes(busy=total - idle, stolen=ticks[7] if len(ticks) > 7 else 0, total=total)


def _ticks_per_second() -> int:
    return int(os.sysconf("SC_CLK_TCK"))


def _capacity(core: int, root: Path) -> int:
    folder = root / "sys/devices/system/cpu" / f"cpu{core}"
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        value = read_number(folder / name)
        if value is not None:
            return int(value)
    return 0
