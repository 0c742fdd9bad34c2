from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgesmith.devices.energy import PackageEnergy
from edgesmith.devices.session import Run
from edgesmith.devices.statistics import Basis
from edgesmith.devices.usage import processor_ms
from tests.devices.fakes import FakeClock
from tests.devices.test_energy import take


class TwoThreads(FakeClock):
    """Both threads work for the whole of a run; only the process' clock tells."""

    def __init__(self) -> None:
        super().__init__(has_cpu=False)

    def process_s(self) -> float | None:
        return 2 * self.wall


def growing(clock: FakeClock) -> Callable[[], Run]:
    """Of every three runs two take 4 ms and one takes 2 ms."""
    done = [0]

    def run() -> None:
        done[0] += 1
        clock.work(2e-3 if done[0] % 3 == 0 else 4e-3)

    return lambda: run


def test_processor_time_is_the_sum_over_threads(tmp_path: Path) -> None:
    clock = TwoThreads()
    session = take([lambda: lambda: clock.work(3e-3)], clock, PackageEnergy(tmp_path))
    assert {round(sample.wall_ms, 6) for sample in session.samples} == {3.0}
    assert processor_ms(session, Basis.WALL) == pytest.approx([6.0])


def test_processor_time_follows_the_basis(tmp_path: Path) -> None:
    clock = FakeClock()
    session = take([growing(clock)], clock, PackageEnergy(tmp_path))
    assert processor_ms(session, Basis.WALL) == pytest.approx([4.0])
    assert processor_ms(session, Basis.CORE) == pytest.approx([2.0])


def test_processor_time_is_none_where_no_clock_tells_it(tmp_path: Path) -> None:
    clock = FakeClock(has_cpu=False)
    session = take([lambda: lambda: clock.work(3e-3)], clock, PackageEnergy(tmp_path))
    assert processor_ms(session, Basis.WALL) == [None]
