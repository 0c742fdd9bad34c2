"""From the sum of a network's pieces to its latency: a few numbers, fitted to whole networks that were timed.

``ms = fixed + slope * (sum of the pieces) + a * millions + spilled * (b * millions in blocks + c * millions in head)``

Fixed is what a run takes whatever the network; the slope says how far pieces in a network behave like pieces in a
sandwich. A small net keeps its weights near from run to run. In a whole one they push one another out of the nearest
cache, and are fetched again from the next (``a``). Where they do not fit into that one either, the share that spills,
``1 - fits / millions``, comes from memory: filters of blocks then cost more than matrices of heads, which are read in a
row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import DeviceError

Floats = NDArray[np.float64]

CONFIDENCE: Final = 0.95
LEAST_NETS: Final = 20
FITS_MILLIONS: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)
_HUBER: Final = 1.5
_ROUNDS: Final = 8
_LEAST_SPREAD: Final = 1e-4
# Strength of the belief in "latency is the sum", in networks that miss by their whole latency.
_PRIOR: Final = (1e-5, 1e-4, 1e-5, 1e-5, 1e-5)
_TOWARDS: Final = (0.0, 1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Sum:
    """What a network's pieces add up to.

    Attributes:
        ms: Milliseconds of all pieces.
        block_millions: Learned parameters of stem and blocks, in millions.
        head_millions: Learned parameters of the head, in millions.
    """

    ms: float
    block_millions: float
    head_millions: float

    def terms(self, fits_millions: float) -> tuple[float, float, float, float, float]:
        """What the fit's five numbers are multiplied with, if so many millions of weights fit into the cache."""
        millions = self.block_millions + self.head_millions
        spilled = 1 - fits_millions / millions if millions > fits_millions else 0.0
        return 1.0, self.ms, millions, spilled * self.block_millions, spilled * self.head_millions


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
        ms_per_block_million: Milliseconds for a million spilled parameters of blocks.
        ms_per_head_million: Milliseconds for a million spilled parameters of the head.
        fits_millions: Parameters that do not spill, in millions.
        reach: Half width of the prediction interval, relative, in the middle of the fitted networks.
        leverage: ``(5 x 5)`` inverse of the fitted networks' relative terms: how far a network is from them.
        num_nets: Networks behind it.
    """

    fixed_ms: float
    slope: float
    ms_per_million: float
    ms_per_block_million: float
    ms_per_head_million: float
    fits_millions: float
    reach: float
    leverage: tuple[tuple[float, ...], ...]
    num_nets: int

    def predict(self, total: Sum) -> Prediction:
        """Latency of a network whose pieces add up to ``total``; never negative."""
        terms = total.terms(self.fits_millions)
        _, sum_ms, millions, block_spill, head_spill = terms
        ms = self.fixed_ms + self.slope * sum_ms + self.ms_per_million * millions
        ms += self.ms_per_block_million * block_spill + self.ms_per_head_million * head_spill
        ms = max(ms, 1e-9)
        distance = sum(a * sum(map(mul, row, terms)) for a, row in zip(terms, self.leverage, strict=True))
        reach = self.reach * math.sqrt(1 + distance / (ms * ms))
        return Prediction(ms=ms, low_ms=ms / (1 + reach), high_ms=ms * (1 + reach))


UNCALIBRATED: Final = Calibration(
    fixed_ms=0.0,
    slope=1.0,
    ms_per_million=0.0,
    ms_per_block_million=0.0,
    ms_per_head_million=0.0,
    fits_millions=0.0,
    reach=0.0,
    leverage=((0.0,) * 5,) * 5,
    num_nets=0,
)


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
    choices = {fits: np.array([each.terms(fits) for each in sums]) / measured[:, None] for fits in FITS_MILLIONS}
    fits, fit = _best(choices, np.arange(len(sums)))
    errors = []
    for index in range(len(sums)):
        left_out_fits, left_out = _best(choices, np.delete(np.arange(len(sums)), index))
        row = choices[left_out_fits][index]
        errors.append(_ratio_error(float(row @ left_out.solution)) / math.sqrt(1 + row @ left_out.inverse @ row))
    rank = min(len(errors), math.ceil(CONFIDENCE * (len(errors) + 1)))
    fixed, slope, per_million, per_block_million, per_head_million = fit.solution.tolist()
    return Calibration(
        fixed_ms=fixed,
        slope=slope,
        ms_per_million=per_million,
        ms_per_block_million=per_block_million,
        ms_per_head_million=per_head_million,
        fits_millions=fits,
        reach=sorted(errors)[rank - 1],
        leverage=tuple(tuple(row) for row in fit.inverse.tolist()),
        num_nets=len(sums),
    )


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """Coefficients, the inverse of the weighted terms, and what remains: large residuals count in proportion only."""

    solution: Floats
    inverse: Floats
    loss: float


def _best(choices: Mapping[float, Floats], rows: NDArray[np.int64]) -> tuple[float, _Fit]:
    """The cache size under which these networks are explained best, and that fit."""
    found = {fits: _fit(terms[rows]) for fits, terms in choices.items()}
    best = min(found, key=lambda fits: found[fits].loss)
    return best, found[best]


def _ratio_error(predicted_over_measured: float) -> float:
    """How far the larger of the two lies above the smaller, relative."""
    ratio = max(predicted_over_measured, 1e-9)
    return max(ratio, 1 / ratio) - 1


def _fit(terms: Floats) -> _Fit:
    """Coefficients that bring every row near 1."""
    prior = np.array(_PRIOR) * _scales(terms)
    weights = np.ones(len(terms))
    for _ in range(_ROUNDS):
        normal = terms.T @ (terms * weights[:, None]) + np.diag(prior)
        solution = np.linalg.solve(normal, (terms * weights[:, None]).sum(axis=0) + prior * np.array(_TOWARDS))
        residuals = np.abs(terms @ solution - 1)
        spread = max(1.4826 * float(np.median(residuals)), _LEAST_SPREAD)
        weights = 1 / np.maximum(residuals / (_HUBER * spread), 1.0)
    return _Fit(solution=np.asarray(solution), inverse=np.asarray(np.linalg.inv(normal)), loss=float(residuals.sum()))


def _scales(terms: Floats) -> Floats:
    """Mean square of each term, so that the prior is one in milliseconds; never zero."""
    return np.asarray(np.maximum((terms**2).mean(axis=0), 1e-12))
