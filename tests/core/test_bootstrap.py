from __future__ import annotations

import numpy as np
import pytest

from edgesmith.core.bootstrap import interval_of_mean, interval_of_share


def test_interval_of_a_proportion_is_the_normal_one() -> None:
    """80 of 100 right: the mean is 0.8 and the standard error 0.04."""
    values = np.repeat([1.0, 0.0], [80, 20])
    interval = interval_of_mean(values, rng=np.random.default_rng(0), draws=4000)
    assert interval.value == pytest.approx(0.8)
    assert interval.low == pytest.approx(0.8 - 1.96 * 0.04, abs=0.012)
    assert interval.high == pytest.approx(0.8 + 1.96 * 0.04, abs=0.012)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        interval = interval_of_mean(rng.normal(3.0, 1.0, 60), rng=rng, confidence=0.9, draws=300)
        covered += interval.low <= 3.0 <= interval.high
    assert 80 <= covered <= 98


def test_equal_values_have_no_width() -> None:
    interval = interval_of_mean([2.0, 2.0], rng=np.random.default_rng(0))
    assert (interval.value, interval.low, interval.high) == (2.0, 2.0, 2.0)


def test_a_share_without_misses_is_not_certain() -> None:
    """Wilson's interval of 364 hits in 364 ends at n / (n + z^2) = 364 / 367.84."""
    rng = np.random.default_rng(0)
    interval = interval_of_share([True] * 364, rng=rng)
    assert (interval.value, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx(364 / 367.84, abs=1e-4)
    missed = interval_of_share([False] * 364, rng=rng)
    assert (missed.value, missed.low) == (0.0, 0.0)
    assert missed.high == pytest.approx(3.84 / 367.84, abs=1e-4)


def test_other_shares_are_bootstrapped() -> None:
    values = np.repeat([True, False], [80, 20])
    share, mean = (f(values, rng=np.random.default_rng(3)) for f in (interval_of_share, interval_of_mean))
    assert share == mean
