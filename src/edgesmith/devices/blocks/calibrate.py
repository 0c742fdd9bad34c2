"""From the sum of a network's pieces to its latency: three numbers, fitted to whole networks that were timed.

``ms = fixed + slope * (sum of the pieces) + per_million * (millions of weights)``. Fixed is what a run takes whatever
the network; the slope says how far pieces in a network behave like pieces in a sandwich; and a large network pushes its
own weights out of the cache, which a small net around one piece does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import DeviceError

Floats = NDArray[np.float64]

CONFIDENCE: Final = 0.95
LEAST_NETS: Final = 20
_HUBER: Final = 1.5
_ROUNDS: Final = 20
_LEAST_SPREAD: Final = 1e-4
# Strength of the belief in "latency is the sum", in networks that miss by their whole latency.
_PRIOR: Final = (1e-3, 1e-2, 1e-3)


@dataclass(frozen=True, kw_only=True)
class Sum:
    """What a network's pieces add up to.

    Attributes:
        ms: Milliseconds of all pieces.
        millions: Learned parameters, in millions.
    """

    ms: float
    millions: float


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A network's latency as its pieces suggest.

    Attributes:
        ms: Milliseconds.
        low_ms: Lower end of the 95 % prediction interval: where a measurement of it would lie.
        high_ms: Upper end.
    """

    ms: float
    low_ms: float
    high_ms: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The fit, and how far its networks were from it.

    Attributes:
        fixed_ms: Milliseconds of any network.
        slope: Of the pieces' sum.
        ms_per_million: Milliseconds for a million parameters.
        reach: Half width of the prediction interval, relative, in the middle of the fitted networks.
        leverage: ``(3 x 3)`` inverse of the fitted networks' relative terms: how far a network is from them.
        num_nets: Networks behind it.
    """

    fixed_ms: float
    slope: float
    ms_per_million: float
    reach: float
    leverage: tuple[tuple[float, ...], ...]
    num_nets: int

    def predict(self, total: Sum) -> Prediction:
        """Latency of a network whose pieces add up to ``total``; never negative."""
        ms = max(self.fixed_ms + self.slope * total.ms + self.ms_per_million * total.millions, 1e-9)
        a, b, c = 1 / ms, total.ms / ms, total.millions / ms
        (aa, ab, ac), (_, bb, bc), (_, _, cc) = self.leverage
        distance = aa * a * a + bb * b * b + cc * c * c + 2 * (ab * a * b + ac * a * c + bc * b * c)
        reach = self.reach * math.sqrt(1 + distance)
        return Prediction(ms=ms, low_ms=ms / (1 + reach), high_ms=ms * (1 + reach))


def calibrate(sums: Sequence[Sum], latencies_ms: Sequence[float]) -> Calibration:
    """Fit relative errors, those of outliers counting less.

    The interval is conformal: each network is predicted by a fit to the others, and the error that 95 % of them stay
    within, counted so that one more network is covered as often, is the reach.

    Args:
        sums: Of at least 20 networks.
        latencies_ms: What they measured.

    Raises:
        DeviceError: There are fewer networks.
    """
    if len(sums) < LEAST_NETS:
        raise DeviceError(f"a table is fitted to at least {LEAST_NETS} networks, got {len(sums)}")
    measured = np.asarray(latencies_ms, dtype=np.float64)
    terms = np.array([[1.0, total.ms, total.millions] for total in sums]) / measured[:, None]
    solution, weights = _fit(terms)
    inverse = _inverse(terms, weights)
    errors = []
    for index in range(len(terms)):
        others = np.arange(len(terms)) != index
        left_out, weights_left = _fit(terms[others])
        distance = terms[index] @ _inverse(terms[others], weights_left) @ terms[index]
        miss = float(terms[index] @ left_out)
        errors.append(_ratio_error(miss) / math.sqrt(1 + distance))
    rank = min(len(errors), math.ceil(CONFIDENCE * (len(errors) + 1)))
    return Calibration(
        fixed_ms=float(solution[0]),
        slope=float(solution[1]),
        ms_per_million=float(solution[2]),
        reach=sorted(errors)[rank - 1],
        leverage=tuple(tuple(row) for row in inverse.tolist()),
        num_nets=len(terms),
    )


def _ratio_error(predicted_over_measured: float) -> float:
    """How far the larger of the two lies above the smaller, relative."""
    ratio = max(predicted_over_measured, 1e-9)
    return max(ratio, 1 / ratio) - 1


def _fit(terms: Floats) -> tuple[Floats, Floats]:
    """Coefficients that bring every row near 1, and the weights of the rows."""
    weights = np.ones(len(terms))
    solution = _solve(terms, weights)
    for _ in range(_ROUNDS):
        residuals = np.abs(terms @ solution - 1)
        spread = max(1.4826 * float(np.median(residuals)), _LEAST_SPREAD)
        weights = 1 / np.maximum(residuals / (_HUBER * spread), 1.0)
        solution = _solve(terms, weights)
    return solution, weights


def _solve(terms: Floats, weights: Floats) -> Floats:
    right = (terms * weights[:, None]).sum(axis=0) + np.array([0.0, _PRIOR[1], 0.0]) * _scales(terms)
    return np.asarray(np.linalg.solve(_normal(terms, weights), right))


def _inverse(terms: Floats, weights: Floats) -> Floats:
    return np.asarray(np.linalg.inv(_normal(terms, weights)))


def _normal(terms: Floats, weights: Floats) -> Floats:
    return np.asarray(terms.T @ (terms * weights[:, None]) + np.diag(np.array(_PRIOR) * _scales(terms)))


def _scales(terms: Floats) -> Floats:
    """Mean square of each term, so that the prior is one in milliseconds; never zero."""
    return np.asarray(np.maximum((terms**2).mean(axis=0), 1e-12))
