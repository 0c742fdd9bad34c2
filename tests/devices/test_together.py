"""Devices of one machine that share a session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.devices.base import Array, Fingerprint, Session
from edgesmith.devices.clock import Clock
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.session import Load, Run
from edgesmith.devices.together import Prepared, group_devices, part_of
from tests.devices.fakes import FINGERPRINT, FakeClock, FakeDevice

PLAN = Plan(min_loads=3, max_loads=4, enough_loads=3)


class Steps:
    """A device of this machine whose files take a fixed time on a shared clock."""

    format = "none"

    def __init__(self, name: str, ms: float, clock: FakeClock, *, threads: int = 1) -> None:
        self.name, self.threads = name, threads
        self.clock: Clock = clock
        self._ms, self._fake = ms, clock
        self.held: list[str] = []

    def fingerprint(self) -> Fingerprint:
        return replace(FINGERPRINT, device=self.name, runtime=f"runtime of {self.name}", threads=self.threads)

    @contextmanager
    def prepared(self, files: Sequence[Path], seed: int) -> Iterator[Prepared]:
        self.held.append("begin")
        yield Prepared(loads=[self._load(file) for file in files], notes=[f"{self.name} is ready"])
        self.held.append("end")

    def _load(self, file: Path) -> Load:
        def load() -> Run:
            return lambda: self._fake.work(self._ms * float(file.stem) / 1e3)

        return load

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        raise AssertionError("it shares the session of the others")

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        raise AssertionError("nothing is run for its answer")


def subject(name: str, factor: int) -> Subject:
    return Subject(name=name, files={"none": Path(f"{factor}.none")})


def test_a_subject_is_compared_across_devices_in_one_session() -> None:
    clock = FakeClock()
    slow, fast = Steps("slow", 3.0, clock), Steps("fast", 1.0, clock)
    found = measure([subject("small", 1), subject("large", 2)], [slow, fast], plan=PLAN)
    figures = {(row.name, row.device): row.ms for row in found.latency}
    assert figures == pytest.approx(
        {("small", "slow"): 3.0, ("large", "slow"): 6.0, ("small", "fast"): 1.0, ("large", "fast"): 2.0}
    )
    pairs = {(pair.a, pair.b, pair.device): pair for pair in found.comparisons}
    assert {key: pair.ratio for key, pair in pairs.items()} == pytest.approx(
        {
            ("small", "large", "slow"): 0.5,
            ("small", "large", "fast"): 0.5,
            ("small", "small", "slow vs fast"): 3.0,
            ("large", "large", "slow vs fast"): 3.0,
        }
    )
    assert pairs[("small", "small", "slow vs fast")].verdict == "slower"
    assert pairs[("small", "small", "slow vs fast")].devices == ("slow", "fast")
    assert pairs[("small", "large", "fast")].devices == ("fast", "fast")
    assert {row.device: row.fingerprint.runtime for row in found.latency} == {
        "slow": "runtime of slow",
        "fast": "runtime of fast",
    }
    assert slow.held[:2] == ["begin", "end"]


def test_devices_with_other_threads_and_devices_elsewhere_have_sessions_of_their_own() -> None:
    clock = FakeClock()
    one, other, two = Steps("one", 1.0, clock), Steps("other", 1.0, clock), Steps("two", 1.0, clock, threads=2)
    away = FakeDevice()
    assert group_devices([one, away, two, other]) == [[one, other], [away], [two]]


def test_a_part_of_a_session_counts_its_own_subjects() -> None:
    clock = FakeClock()
    found = measure([subject("net", 1)], [Steps("a", 1.0, clock), Steps("b", 2.0, clock)], plan=PLAN)
    for session in found.sessions.values():
        assert {sample.subject for sample in session.samples} == {0}
        assert len(session.first_runs_ms) == 1
        assert session.conditions.notes == ("a is ready", "b is ready")
    whole = found.sessions["b"]
    assert part_of(whole, 0, 1, whole.fingerprint) == whole
