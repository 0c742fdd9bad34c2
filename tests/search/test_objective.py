"""Rewards at what the papers say of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.core.errors import UsageError
from edgesmith.search.objective import EXPONENT, EXPONENT_SMALL, Reward, Shape

LATENCIES = st.floats(1, 400)


@pytest.mark.parametrize(("exponent", "gain"), [(EXPONENT, 1.0497), (EXPONENT_SMALL, 1.1096)])
def test_twice_the_latency_must_buy_5_or_11_per_cent(exponent: float, gain: float) -> None:
    """MnasNet's reason for -0.07, and what MobileNetV3's -0.15 asks of small nets."""
    reward = Reward(target_ms=80, shape=Shape.SOFT, exponent=exponent)
    assert reward.of(0.6 * gain, 160) == pytest.approx(reward.of(0.6, 80), rel=1e-4)


@given(LATENCIES)
def test_hard_asks_nothing_below_the_target_and_divides_above(latency: float) -> None:
    found = Reward(target_ms=80, shape=Shape.HARD).of(0.7, latency)
    assert found == pytest.approx(0.7 if latency <= 80 else 0.7 * 80 / latency)


@given(LATENCIES)
def test_absolute_is_highest_at_the_target(latency: float) -> None:
    reward = Reward(target_ms=80, shape=Shape.ABSOLUTE)
    assert reward.of(0.7, latency) == pytest.approx(0.7 - 0.1 * abs(latency / 80 - 1))
    assert reward.of(0.7, latency) <= reward.of(0.7, 80) == 0.7


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="a target latency must be above 0 ms, got 0"):
        Reward(target_ms=0)
    with pytest.raises(UsageError, match="exponent and slope must be below 0"):
        Reward(target_ms=80, exponent=0.07)
