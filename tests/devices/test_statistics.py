from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesmith.core.bootstrap import Interval
from edgesmith.devices.base import Session
from edgesmith.devices.statistics import (
    Basis,
    assess_contention,
    choose_basis,
    few_loads_factor,
    lowest,
    percentile_90,
    resample,
    student_quantile,
    verdict,
)
from tests.devices.fakes import LOADED, QUIET, Noise, make_session

SEEDS = st.integers(0, 10_000)


def ratio(session: Session, a: int = 0, b: int = 1, *, seed: int = 0, draws: int = 400) -> Interval:
    basis = choose_basis(session, assess_contention(session))
    return resample(session, basis, rng=np.random.default_rng(seed), draws=draws).ratio(a, b)


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [
        (0.975, 1, 12.706),
        (0.995, 2, 9.925),
        (0.995, 3, 5.841),
        (0.975, 4, 2.776),
        (0.995, 7, 3.499),
        (0.995, 15, 2.947),
        (0.975, 39, 2.023),
        (0.025, 9, -2.262),
    ],
)
def test_student_quantiles_are_those_of_the_printed_table(probability: float, freedom: int, expected: float) -> None:
    assert student_quantile(probability, freedom) == pytest.approx(expected, rel=2e-3)


def test_few_loads_widen_the_interval() -> None:
    assert few_loads_factor(8, confidence=0.99) == pytest.approx(3.499 / 2.576 * math.sqrt(8 / 7), rel=1e-3)
    assert few_loads_factor(1000, confidence=0.99) == pytest.approx(1.0, abs=3e-3)
    assert few_loads_factor(1, confidence=0.99) == math.inf


@given(seed=SEEDS, other=st.floats(0.5, 2.0))
@settings(max_examples=25, deadline=None)
def test_swapping_the_two_inverts_ratio_and_verdict(seed: int, other: float) -> None:
    session = make_session([2.0, 2.0 * other], rng=np.random.default_rng(seed), loads=6, rounds=4)
    there, back = ratio(session, 0, 1), ratio(session, 1, 0)
    assert there.value * back.value == pytest.approx(1.0)
    assert there.low < there.value < there.high
    opposite = {"faster": "slower", "slower": "faster", "cannot tell": "cannot tell"}
    assert verdict(Interval(value=1.0, low=1 / there.high, high=1 / there.low)) == opposite[verdict(there)]


@given(seed=SEEDS, factor=st.floats(0.01, 100.0))
@settings(max_examples=25, deadline=None)
def test_a_machine_slower_as_a_whole_leaves_the_ratio(seed: int, factor: float) -> None:
    session = make_session([2.0, 3.0], rng=np.random.default_rng(seed), loads=6, rounds=4)
    scaled = replace(
        session,
        samples=tuple(
            replace(s, wall_ms=s.wall_ms * factor, cpu_ms=None if s.cpu_ms is None else s.cpu_ms * factor)
            for s in session.samples
        ),
    )
    before, after = ratio(session), ratio(scaled)
    assert [after.low, after.value, after.high] == pytest.approx([before.low, before.value, before.high])


@given(low=st.floats(0.5, 1.5), width=st.floats(0.0, 0.5))
def test_verdict_needs_the_interval_outside_one_percent(low: float, width: float) -> None:
    said = verdict(Interval(value=low + width / 2, low=low, high=low + width))
    assert (said == "faster") == (low + width < 1 / 1.01)
    assert (said == "slower") == (low > 1.01)


@pytest.mark.parametrize("noise", [QUIET, LOADED], ids=["quiet", "loaded"])
@pytest.mark.parametrize("loads", [6, 12])
def test_ninety_nine_percent_intervals_of_equals_hold_one(noise: Noise, loads: int) -> None:
    sessions = 300
    held = 0
    for seed in range(sessions):
        rng = np.random.default_rng(seed)
        session = make_session([2.0, 2.0], rng=rng, noise=noise, loads=loads, rounds=5, per_visit=1)
        found = ratio(session, draws=300)
        held += found.low <= 1 <= found.high
    assert held >= 0.975 * sessions


@pytest.mark.parametrize("noise", [QUIET, LOADED], ids=["quiet", "loaded"])
def test_a_difference_of_a_quarter_is_seen(noise: Noise) -> None:
    said = [
        verdict(ratio(make_session([2.0, 2.5], rng=np.random.default_rng(seed), noise=noise, loads=8, rounds=5)))
        for seed in range(20)
    ]
    assert said.count("faster") == 20


def test_latency_interval_holds_the_truth() -> None:
    held = 0
    for seed in range(150):
        session = make_session([2.0], rng=np.random.default_rng(seed), loads=8, rounds=6)
        found = resample(session, Basis.WALL, rng=np.random.default_rng(1), draws=300).latency(0)
        held += found.low <= 2.0 <= found.high
    assert held >= 0.93 * 150


def test_contention_is_flagged_with_load_and_not_without() -> None:
    quiet = assess_contention(make_session([2.0, 3.0], rng=np.random.default_rng(0)))
    loaded = assess_contention(make_session([2.0, 3.0], rng=np.random.default_rng(0), noise=LOADED))
    assert (quiet.contended, loaded.contended) == (False, True)
    assert quiet.waiting == pytest.approx(0.0, abs=1e-9)
    assert loaded.waiting == pytest.approx(0.6 * 3 / (0.6 * 4 + 0.4), abs=0.05)


def test_contention_without_core_time_shows_in_the_spread_or_in_the_cores() -> None:
    blind = replace(LOADED, has_cpu=False)
    loaded = make_session([2.0], rng=np.random.default_rng(0), noise=blind)
    found = assess_contention(loaded)
    assert found.waiting is None
    assert found.contended
    assert choose_basis(loaded, found) is Basis.LOW_WALL
    quiet = make_session([2.0], rng=np.random.default_rng(0), noise=replace(QUIET, has_cpu=False))
    assert not assess_contention(quiet).contended
    shared = replace(quiet, conditions=replace(quiet.conditions, others=0.5))
    assert assess_contention(shared).contended


def test_stolen_time_is_contention() -> None:
    quiet = make_session([2.0], rng=np.random.default_rng(0))
    stolen = replace(quiet, conditions=replace(quiet.conditions, steal=0.05))
    assert assess_contention(stolen).contended


def test_under_load_the_latency_is_near_the_quiet_one() -> None:
    loaded = make_session([2.0], rng=np.random.default_rng(3), noise=LOADED, loads=20)
    on_wall = resample(loaded, Basis.WALL, rng=np.random.default_rng(0)).latency(0)
    on_core = resample(loaded, Basis.CORE, rng=np.random.default_rng(0)).latency(0)
    low_wall = resample(loaded, Basis.LOW_WALL, rng=np.random.default_rng(0)).latency(0)
    assert on_wall.value > 5.0
    assert np.median([sample.cpu_ms for sample in loaded.samples if sample.cpu_ms is not None]) > 2.3
    assert on_core.value == pytest.approx(2.0, rel=0.1)
    assert low_wall.value == pytest.approx(2.0, rel=0.15)


def test_percentile_and_lowest_are_of_the_wall() -> None:
    session = make_session([2.0], rng=np.random.default_rng(0))
    walls = [sample.wall_ms for sample in session.samples]
    assert percentile_90(session, 0) == pytest.approx(float(np.quantile(walls, 0.9)))
    assert lowest(session, 0) == min(walls)
