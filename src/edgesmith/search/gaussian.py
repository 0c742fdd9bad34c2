"""A Gaussian process over points of a space: how good a point is likely to be, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.search.crowd import Codes

Floats = NDArray[np.float64]

# No more: what a smooth model cannot explain looks like noise, and a point's own reading would count for nothing.
_NOISES: Final = (0.01, 0.05)
# Before anything is known, points that differ in so large a share of all choices have forgotten one another.
_REACH: Final = 0.375
_STEPS: Final = 30
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
        noise: Variance of a single reading, as a share of that of all values.
        weights: How much a difference in each choice counts.
    """

    noise: float
    weights: tuple[float, ...]


class GaussianProcess:
    """Values of points, alike where few choices differ: covariance ``exp(-weighted number of differences)``.

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
            scales: Those of an earlier process; by default those under which the values are most likely.
        """
        self._bits = Bits(space)
        self._points = self._bits.of(points)
        self._middle, self._scale = float(np.mean(values)), float(np.std(values)) or 1.0
        scaled = (np.asarray(values, dtype=np.float64) - self._middle) / self._scale
        self.scales = scales or _most_likely(self._bits, self._points, scaled)
        covariance = _covariance(self._bits.distances(self._points, self._points, self.scales.weights))
        self._chol = _cholesky(covariance, self.scales.noise)
        self._solved = _solve(self._chol, scaled)

    def believe(self, points: Sequence[Encoding] | Codes) -> Belief:
        """Mean and deviation at some points."""
        distances = self._bits.distances(self._bits.of(points), self._points, self.scales.weights)
        across = _covariance(distances)
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

    def pushes(self, a: Floats, pulls: Floats) -> Floats:
        """``(choices,)``: how a sum over pairs changes with the weight of each choice.

        Args:
            a: The points as bits.
            pulls: ``(points, points)``, symmetric: how it changes with the distance of each pair.
        """
        each_bit = 2 * (a.T @ pulls.sum(axis=1) - ((pulls @ a) * a).sum(axis=0))
        return np.asarray(np.bincount(self._owners, each_bit * self._counts, len(self._tables)), dtype=np.float64)

    @property
    def num_choices(self) -> int:
        """Choices of the space."""
        return len(self._tables)


def _most_likely(bits: Bits, points: Floats, values: Floats) -> Scales:
    """Weights by following the likelihood's slope, once for each noise; the likelier pair wins."""
    start = np.full(bits.num_choices, -np.log(_REACH * bits.num_choices))
    found = []
    for noise in _NOISES:
        result = minimize(
            lambda logs, noise=noise: _unlikelihood(bits, points, values, logs, noise=noise),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _STEPS},
        )
        found.append((float(result.fun), Scales(noise=noise, weights=tuple(np.exp(result.x).tolist()))))
    return min(found, key=lambda each: each[0])[1]


def _unlikelihood(bits: Bits, points: Floats, values: Floats, logs: Floats, *, noise: float) -> tuple[float, Floats]:
    """Minus the logarithm of the values' likelihood, up to a constant, and its slope in the weights' logarithms.

    Weights are believed to lie around one over the reach, within a factor of e.
    """
    weights, apart = np.exp(logs), logs + np.log(_REACH * bits.num_choices)
    covariance = _covariance(bits.distances(points, points, weights.tolist()))
    chol = _cholesky(covariance.copy(), noise)
    solved = _solve(chol, values)
    loss = 0.5 * float(values @ solved) + float(np.log(np.diag(chol)).sum()) + 0.5 * float(apart @ apart)
    inverse = _solve(chol, np.eye(len(values)))
    pulls = 0.5 * (np.outer(solved, solved) - inverse) * covariance
    return loss, weights * bits.pushes(points, pulls) + apart


def _covariance(distances: Floats) -> Floats:
    """Of points so far apart; takes the place of the distances."""
    return np.exp(np.negative(distances, out=distances), out=distances)


def _cholesky(covariance: Floats, noise: float) -> Floats:
    covariance[np.diag_indices_from(covariance)] += noise + _JITTER
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


def _solve(chol: Floats, values: Floats) -> Floats:
    solved: Floats = cho_solve((chol, True), values, check_finite=False)
    return solved
