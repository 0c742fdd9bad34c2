"""A Gaussian process over points of a space: how good a point is likely to be, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.search.crowd import Codes

Floats = NDArray[np.float64]

_LENGTHS: Final = (0.75, 1.5, 3.0, 6.0)
# No more: what a smooth model cannot explain looks like noise, and a point's own reading would count for nothing.
_NOISES: Final = (0.01, 0.05)
_ROUNDS: Final = 2
_WEIGHTS: Final = (0.3, 1.0, 3.0)
_JITTER: Final = 1e-6


@dataclass(frozen=True, kw_only=True)
class Belief:
    """What a process thinks of some points.

    Attributes:
        mean: ``(points,)`` of the values that it was fitted to.
        deviation: ``(points,)`` how far the truth may be from it, without the noise of a single reading.
    """

    mean: Floats
    deviation: Floats


@dataclass(frozen=True, kw_only=True)
class Scales:
    """What a process takes for granted.

    Attributes:
        length: Weighted differences over which values forget one another.
        noise: Variance of a single reading, as a share of that of all values.
        weights: How much a difference in each choice counts.
    """

    length: float
    noise: float
    weights: tuple[float, ...]


class GaussianProcess:
    """Values of points, alike where few choices differ: covariance ``exp(-weighted number of differences / length)``.

    In an ordered choice the difference is the distance between options as a share of the largest.
    """

    def __init__(
        self, space: Space, points: Sequence[Encoding] | Codes, values: Floats, scales: Scales | None = None
    ) -> None:
        """Fit.

        Args:
            space: Whose points they are.
            points: At least one; the same point may occur several times.
            values: ``(points,)``.
            scales: Those of an earlier process; found anew by default, each of a few, under which the values are most
                likely.
        """
        self._bits = Bits(space)
        self._points = self._bits.of(points)
        self._middle, self._scale = float(np.mean(values)), float(np.std(values)) or 1.0
        scaled = (np.asarray(values, dtype=np.float64) - self._middle) / self._scale
        self.scales = scales or _most_likely(self._bits.differences(self._points), scaled)
        self._chol = _cholesky(self._bits.distances(self._points, self._points, self.scales.weights), self.scales)
        self._solved = _solve(self._chol, scaled)

    def believe(self, points: Sequence[Encoding] | Codes) -> Belief:
        """Mean and deviation at some points."""
        distances = self._bits.distances(self._bits.of(points), self._points, self.scales.weights)
        across = _covariance(distances, self.scales.length)
        mean = across @ self._solved
        left = solve_triangular(self._chol, across.T, lower=True, check_finite=False)
        deviation = np.sqrt(np.maximum(1 - (left**2).sum(axis=0), 1e-12))
        return Belief(mean=mean * self._scale + self._middle, deviation=deviation * self._scale)


class Bits:
    """Points as bits, so that weighted numbers of differences are matrix products.

    An unordered choice has a bit for each option, of which two differ between options, so each counts a half. An
    ordered one has a bit for each step below its option, which counts one step's share.
    """

    def __init__(self, space: Space) -> None:
        """Lay out the bits of each choice."""
        tables, owners, counts = [], [], []
        for place, choice in enumerate(space.choices):
            size = len(choice.options)
            table = np.tri(size, size - 1, -1) if choice.ordered else np.eye(size)
            tables.append(table)
            owners += [place] * table.shape[1]
            counts += [1 / max(1, size - 1) if choice.ordered else 0.5] * table.shape[1]
        self._tables, self._owners, self._counts = tables, np.array(owners), np.array(counts)

    def of(self, points: Sequence[Encoding] | Codes) -> Floats:
        """``(points, bits)``."""
        codes = np.array(points, dtype=np.intp).reshape(len(points), len(self._tables))
        return np.concatenate([table[codes[:, place]] for place, table in enumerate(self._tables)], axis=1)

    def distances(self, a: Floats, b: Floats, weights: Sequence[float]) -> Floats:
        """``(points of a, points of b)``: differences of choices, each times its weight."""
        weighed = self._counts * np.array(weights)[self._owners]
        left = np.column_stack([a * weighed, a @ weighed, np.ones(len(a))])
        right = np.column_stack([-2 * b, np.ones(len(b)), b @ weighed])
        found: Floats = left @ right.T
        return np.maximum(found, 0, out=found)

    def differences(self, a: Floats) -> Floats:
        """``(points, points, choices)``: differences of each choice, 0 to 1."""
        one = np.eye(len(self._tables)).tolist()
        return np.stack([self.distances(a, a, weights) for weights in one], axis=2)


def _most_likely(differences: Floats, values: Floats) -> Scales:
    """Length and noise first, then choice by choice the weight, then length and noise again."""
    count = differences.shape[2]
    scales = _best_pair(differences, values, (1.0,) * count)
    if len(values) < 2 * count:
        return scales
    for place in [*range(count)] * _ROUNDS:
        tried = [
            replace(scales, weights=(*scales.weights[:place], weight, *scales.weights[place + 1 :]))
            for weight in _WEIGHTS
        ]
        scales = max(tried, key=lambda each: _likelihood(differences, values, each))
    return _best_pair(differences, values, scales.weights)


def _best_pair(differences: Floats, values: Floats, weights: tuple[float, ...]) -> Scales:
    tried = [Scales(length=length, noise=noise, weights=weights) for length, noise in product(_LENGTHS, _NOISES)]
    return max(tried, key=lambda each: _likelihood(differences, values, each))


def _covariance(distances: Floats, length: float) -> Floats:
    """Of points so far apart; takes the place of the distances."""
    distances *= -1 / length
    return np.exp(distances, out=distances)


def _cholesky(distances: Floats, scales: Scales) -> Floats:
    covariance = _covariance(distances, scales.length)
    covariance[np.diag_indices_from(covariance)] += scales.noise + _JITTER
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


def _likelihood(differences: Floats, values: Floats, scales: Scales) -> float:
    """Logarithm, up to a constant; weights far from 1 are believed less."""
    chol = _cholesky(differences @ np.array(scales.weights), scales)
    believed = -0.5 * float((np.log(scales.weights) ** 2).sum())
    return float(-0.5 * values @ _solve(chol, values) - np.log(np.diag(chol)).sum()) + believed


def _solve(chol: Floats, values: Floats) -> Floats:
    solved: Floats = cho_solve((chol, True), values, check_finite=False)
    return solved
