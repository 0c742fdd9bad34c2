from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edgesmith.devices.base import Session
from edgesmith.devices.halves import compare_halves, is_steady
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.statistics import Basis
from tests.devices.fakes import LOADED, QUIET, FakeDevice, Noise, make_session
from tests.devices.test_measure import subject


def session_of(seed: int, *, noise: Noise = QUIET, loads: int = 10) -> Session:
    return make_session([2.0, 5.0], rng=np.random.default_rng(seed), noise=noise, loads=loads)


def slowed(session: Session, factor: float) -> Session:
    """Everything in the second half takes longer."""
    half = session.num_loads / 2
    return replace(
        session,
        samples=tuple(
            replace(sample, wall_ms=sample.wall_ms * factor, cpu_ms=(sample.cpu_ms or 0.0) * factor)
            if sample.load >= half
            else sample
            for sample in session.samples
        ),
    )


@pytest.mark.parametrize(("noise", "basis"), [(QUIET, Basis.WALL), (LOADED, Basis.CORE)])
def test_a_machine_that_stays_as_it_is_is_not_flagged(noise: Noise, basis: Basis) -> None:
    ratios = [compare_halves(session_of(seed, noise=noise), basis) for seed in range(100)]
    assert all(ratio is not None for ratio in ratios)
    assert sum(not is_steady(ratio) for ratio in ratios if ratio) <= 2


@pytest.mark.parametrize("factor", [1.06, 0.94])
def test_a_machine_that_changes_is_flagged(factor: float) -> None:
    ratios = [compare_halves(slowed(session_of(seed), factor), Basis.WALL) for seed in range(20)]
    assert sum(not is_steady(ratio) for ratio in ratios if ratio) == 20
    middle = np.mean([math.log(ratio.value) for ratio in ratios if ratio])
    assert math.exp(middle) == pytest.approx(factor, rel=0.01)


def test_the_interval_covers_what_is_true() -> None:
    ratios = [compare_halves(session_of(seed, loads=6), Basis.WALL) for seed in range(300)]
    covered = sum(ratio.low <= 1 <= ratio.high for ratio in ratios if ratio)
    assert 291 <= covered <= 300


def test_few_loads_tell_nothing() -> None:
    assert compare_halves(session_of(0, loads=3), Basis.WALL) is None
    assert compare_halves(session_of(0, loads=4), Basis.WALL) is not None


def test_every_measurement_carries_it() -> None:
    data = measure([Subject(name="net", files=subject(2.0).files)], [FakeDevice()], plan=Plan(limit_s=100.0)).to_dict()
    told = data["conditions"]["devices"]["fake"]
    assert told["aa_low"] < told["aa_ratio"] < told["aa_high"]
    assert told["aa_steady"] is True
