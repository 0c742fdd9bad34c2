"""Percentile bootstrap: an interval for a statistic of a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A value with the ends of its confidence interval."""

    value: float
    low: float
    high: float


def interval_of_mean(
    values: ArrayLike, *, rng: np.random.Generator, confidence: float = 0.95, draws: int = 2000
) -> Interval:
    """The mean of ``values`` with its percentile-bootstrap interval.

    Args:
        values: One number a picture (for top-1: 1.0 where it was right), at least one.
        rng: Source of the resampling.
        confidence: Share of resampled means inside the interval.
        draws: Number of resamples.
    """
    sample: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    means = np.array([sample[rng.integers(0, len(sample), len(sample))].mean() for _ in range(draws)])
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(value=float(sample.mean()), low=float(low), high=float(high))


def interval_of_sums(
    rows: NDArray[np.int64],
    statistic: Callable[[NDArray[np.int64]], float],
    *,
    rng: np.random.Generator,
    confidence: float = 0.95,
    draws: int = 1000,
) -> Interval:
    """A statistic of the sum over pictures, such as a mean intersection over union, with its bootstrap interval.

    Args:
        rows: ``(N, K)`` counts, one row a picture, at least one.
        statistic: Of the ``K`` sums.
        rng: Source of the resampling.
        confidence: Share of resampled figures inside the interval.
        draws: Number of resamples.
    """
    times = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=draws)
    drawn = [statistic(sums) for sums in times @ rows if sums.any()]
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(value=statistic(rows.sum(axis=0)), low=float(low), high=float(high))


def interval_of_share(hits: ArrayLike, *, rng: np.random.Generator, confidence: float = 0.95) -> Interval:
    """The share of true values with its interval: bootstrapped, or Wilson's where all agree and nothing varies.

    Args:
        hits: One truth value a picture, at least one.
        rng: Source of the resampling.
        confidence: Of the interval.
    """
    sample = np.asarray(hits, dtype=bool)
    if sample.any() and not sample.all():
        return interval_of_mean(sample, rng=rng, confidence=confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    reach = z * z / (len(sample) + z * z)
    return Interval(value=1.0, low=1 - reach, high=1.0) if sample.all() else Interval(value=0.0, low=0.0, high=reach)
