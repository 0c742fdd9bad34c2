"""What the processor's package takes from the socket, where the system lets its counters be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgesmith.devices.base import Spent

READABLE: Final = "package"
ABSENT: Final = "absent"
UNREADABLE: Final = "unreadable"
_ROOT: Final = Path("/")
_PAUSE_S: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class _Zone:
    """One package's counter: microjoules that begin again at 0 after ``wraps_at``."""

    path: Path
    wraps_at: float


class PackageEnergy:
    """Adds up the energy counters of all packages (Intel's and AMD's, by Linux' powercap).

    A package is all cores with their caches and the memory controller: what other work on it takes is in the figures.
    Only the zones named ``package-N`` are read; those inside them are parts of the same energy.

    Args:
        root: Where ``sys`` lies.
        sleep: Waits.
        now_s: Seconds that only grow.
    """

    def __init__(
        self,
        root: Path = _ROOT,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._sleep = sleep
        self._now_s = now_s
        self._zones = _zones(root)
        self._last = [_read(zone.path) for zone in self._zones]
        self._total_uj = 0.0
        self.state = _state(self._last)

    def total_mj(self) -> float | None:
        """Millijoules since this was made; None where they cannot be read. Call it before a counter wraps twice."""
        if self.state != READABLE:
            return None
        for index, zone in enumerate(self._zones):
            before, now = self._last[index], _read(zone.path)
            if before is None or now is None:
                self.state = UNREADABLE
                return None
            self._total_uj += now - before if now >= before else now - before + zone.wraps_at
            self._last[index] = now
        return self._total_uj / 1e3

    def idle_w(self) -> float | None:
        """Watts while this process waits for a tenth of a second; None where they cannot be read."""
        before, started = self.total_mj(), self._now_s()
        if before is None:
            return None
        self._sleep(_PAUSE_S)
        after = self.total_mj()
        return None if after is None else (after - before) / 1e3 / max(self._now_s() - started, 1e-9)


class EnergyLedger:
    """Books the energy of visits on their subjects.

    Args:
        source: The counters.
        count: Subjects.
    """

    def __init__(self, source: PackageEnergy, count: int) -> None:
        self._source = source
        self._spent = [Spent() for _ in range(count)]

    @contextmanager
    def visit(self, subject: int, *, runs: int, wall_s: Callable[[], float]) -> Iterator[None]:
        """Book what goes by inside as so many runs of a subject."""
        before = self._source.total_mj()
        if before is None:
            yield
            return
        started = wall_s()
        yield
        seconds, after = wall_s() - started, self._source.total_mj()
        if after is not None:
            self._spent[subject] += Spent(mj=after - before, runs=runs, seconds=seconds)

    def spent(self) -> tuple[Spent, ...]:
        """For each subject; empty where nothing can be read."""
        return tuple(self._spent) if self._source.state == READABLE else ()


def _zones(root: Path) -> list[_Zone]:
    zones = []
    for folder in sorted((root / "sys/class/powercap").glob("intel-rapl:*")):
        try:
            if (folder / "name").read_text().startswith("package"):
                wraps_at = float((folder / "max_energy_range_uj").read_text())
                zones.append(_Zone(path=folder / "energy_uj", wraps_at=wraps_at))
        except (OSError, ValueError):
            continue
    return zones


def _read(path: Path) -> float | None:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return None


def _state(values: list[float | None]) -> str:
    if not values:
        return ABSENT
    return UNREADABLE if any(value is None for value in values) else READABLE
