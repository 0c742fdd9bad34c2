from __future__ import annotations

import numpy as np
import pytest

from edgesmith.core.bootstrap import interval_of_mean


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
