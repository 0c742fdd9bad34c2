from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgesmith.devices.base import Session
from edgesmith.devices.plan import Plan
from edgesmith.devices.session import Load, Run, time_session, warm_up
from edgesmith.devices.statistics import assess_contention, choose_basis, resample
from tests.devices.fakes import FINGERPRINT, FakeClock, NoCores


def take(loads: list[Load], clock: FakeClock, plan: Plan) -> Session:
    return time_session(loads, plan, fingerprint=FINGERPRINT, clock=clock, cores=NoCores(), notes=["said"])


def steady(clock: FakeClock, ms: float) -> Load:
    return lambda: lambda: clock.work(ms * 1e-3)


def slow_start(clock: FakeClock, ms: float, *, calls: int, sleep_s: float) -> Load:
    """A model that sleeps on its first ``calls`` runs after each load."""

    def load() -> Run:
        left = [calls]

        def run() -> None:
            clock.work(ms * 1e-3, waiting=sleep_s if left[0] > 0 else 0.0)
            left[0] -= 1

        return run

    return load


@pytest.mark.parametrize("sleep_s", [0.01, 3.5])
def test_case_l2_first_runs_are_told_apart_and_count_in_nothing(sleep_s: float) -> None:
    clock = FakeClock()
    session = take([slow_start(clock, 2.0, calls=3, sleep_s=sleep_s)], clock, Plan(loads=5))
    assert session.first_runs_ms[0] == pytest.approx([2.0 + sleep_s * 1e3] * 5)
    assert {round(sample.wall_ms, 9) for sample in session.samples} == {2.0}
    basis = choose_basis(session, assess_contention(session))
    latency = resample(session, basis, rng=np.random.default_rng(0)).latency(0)
    assert [latency.low, latency.value, latency.high] == pytest.approx([2.0, 2.0, 2.0])


def test_each_file_is_loaded_anew_and_visited_once_a_round() -> None:
    clock = FakeClock()
    loaded = [0, 0, 0]

    def counting(subject: int) -> Load:
        def load() -> Run:
            loaded[subject] += 1
            return lambda: clock.work(1e-3)

        return load

    session = take([counting(0), counting(1), counting(2)], clock, Plan(loads=4, load_s=0.04))
    assert loaded == [4, 4, 4]
    assert session.num_loads == 4
    visits = [(s.load, s.round, s.subject) for s in session.samples[::3]]
    assert len(visits) == len(set(visits)) == 4 * 10 * 3
    orders = {tuple(subject for _, _, subject in visits[start : start + 3]) for start in range(0, len(visits), 3)}
    assert len(orders) == 6


def test_the_seed_decides_the_order() -> None:
    def order(seed: int) -> list[int]:
        clock = FakeClock()
        session = take([steady(clock, 1.0), steady(clock, 2.0)], clock, Plan(loads=1, seed=seed))
        return [sample.subject for sample in session.samples]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_wall_and_core_time_are_both_kept() -> None:
    clock = FakeClock()
    session = take([lambda: lambda: clock.work(1e-3, waiting=3e-3)], clock, Plan(loads=1))
    assert session.samples[0].wall_ms == pytest.approx(4.0)
    assert session.samples[0].cpu_ms == pytest.approx(1.0)
    assert session.conditions.notes == ("said",)
    blind = FakeClock(has_cpu=False)
    assert {s.cpu_ms for s in take([steady(blind, 1.0)], blind, Plan(loads=1)).samples} == {None}


def test_fast_files_run_several_times_in_one_stretch() -> None:
    clock = FakeClock()
    session = take([steady(clock, 0.01)], clock, Plan(loads=1, sample_ms=0.5))
    assert {sample.runs for sample in session.samples} == {50}
    assert session.samples[0].wall_ms == pytest.approx(0.01)


def test_slow_files_get_few_runs() -> None:
    clock, runs = FakeClock(), [0]

    def run() -> None:
        runs[0] += 1
        clock.work(1.0)

    take([lambda: run], clock, Plan(loads=1))
    assert runs[0] == 4 + 4 * (1 + 1)


@pytest.mark.parametrize(
    ("times_ms", "runs"),
    [
        (lambda _: 1.0, 9),
        (lambda count: max(1.0, 8.0 - count), 14),
        (lambda count: float(2 + count % 2 * (count % 3)), 9),
    ],
    ids=["steady", "settles", "noisy but with a floor"],
)
def test_warm_up_lasts_until_the_times_stand_still(times_ms: Callable[[int], float], runs: int) -> None:
    clock, count = FakeClock(), [0]

    def run() -> None:
        clock.work(times_ms(count[0]) * 1e-3)
        count[0] += 1

    first, warm = warm_up(run, Plan(warmup_s=10.0), clock)
    assert first == pytest.approx(times_ms(0))
    assert warm == pytest.approx(min(times_ms(number) for number in range(100)))
    assert count[0] == runs


def test_warm_up_of_a_file_that_never_settles_ends() -> None:
    clock, count = FakeClock(), [0]

    def run() -> None:
        count[0] += 1
        clock.work(count[0] * 1e-3)

    warm_up(run, Plan(warmup_s=0.25), clock)
    assert clock.wall == pytest.approx(0.253)
