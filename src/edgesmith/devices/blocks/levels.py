"""Latencies from many short sessions, with what moved a whole session taken out.

On a shared machine everything runs 10 % longer for a few seconds, then not. Files that were timed in different sessions
cannot be compared as they are, and a piece of a network is a small difference. So every file is timed in several
sessions, in ever other company, and the logarithm of a reading is explained as the file's level plus the session's
shift. An anchor takes part in all sessions. Short runs are shifted more than long ones, as if each paid for what others
pushed out of the caches: by how much is one number, fitted to all sessions.

A session that is slow in this way tells as much as any other. One in which files keep their ratio worse than usual does
not. What other work does to a session only ever adds: shifts are judged from their lower quartile, and a level is what
a file takes in the middle one of the undisturbed sessions near it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A median of few residuals is large by chance; in units of its own spread at 16 files this is five.
_CHANCE: Final = 4.0
_ZERO: Final = 0.25
_NEAR: Final = 0.05
_DISTURBED_WEIGHT: Final = 0.02
_ROUNDS: Final = 6
_HUBER: Final = 1.5
_LEAST_SPREAD: Final = 0.002
_LEAN_PRIOR: Final = 0.05
_TRUSTED: Final = 0.1
_NORMAL: Final = 1.4826  # standard deviation of a normal distribution over its median distance


@dataclass(frozen=True, kw_only=True)
class Readings:
    """One session.

    Attributes:
        contended: Whether other work disturbed it, by its samples.
        log_ms: Natural logarithm of the milliseconds of each file, by key.
    """

    contended: bool
    log_ms: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Level:
    """What one file takes.

    Attributes:
        ms: Milliseconds, as in an undisturbed session.
        error: Standard error, relative.
        quiet: Sessions behind it that nothing disturbed.
    """

    ms: float
    error: float
    quiet: int


def settle(sessions: Sequence[Readings]) -> dict[str, Level]:
    """The level of every file, by key.

    A session that is contended, or whose files lie further from their levels than is usual (twice as far if it has 16),
    counts only for files that have no better one.

    Args:
        sessions: At least one; joined by files that they share.
    """
    keys = sorted({key for session in sessions for key in session.log_ms})
    if not keys:
        return {}
    table = _as_table(sessions, keys)
    known = ~np.isnan(table)
    contended = np.array([session.contended for session in sessions])
    fit = _explain(table, np.where(contended, _DISTURBED_WEIGHT, 1.0))
    scatter = _scatter(table, fit)
    usual = max(float(np.median(scatter)), _LEAST_SPREAD)
    disturbed = contended | (scatter > usual * (1 + _CHANCE / np.sqrt(known.sum(axis=0))))
    fit = _explain(table, np.where(disturbed, _DISTURBED_WEIGHT, 1.0))
    near = ~disturbed & (fit.shifts < _NEAR)
    levels = fit.levels_at(float(np.median(fit.shifts[near])) if near.any() else 0.0)
    errors = fit.spread / np.sqrt(fit.weights.sum(axis=1))
    quiet = (known & ~disturbed).sum(axis=1)
    return {
        key: Level(ms=math.exp(levels[index]), error=float(errors[index]), quiet=int(quiet[index]))
        for index, key in enumerate(keys)
    }


def _as_table(sessions: Sequence[Readings], keys: Sequence[str]) -> Floats:
    """``(files, sessions)``, not a number where a file did not take part."""
    row = {key: index for index, key in enumerate(keys)}
    table = np.full((len(keys), len(sessions)), np.nan)
    for column, session in enumerate(sessions):
        for key, value in session.log_ms.items():
            table[row[key], column] = value
    return table


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """What explains the readings.

    Attributes:
        levels: Of each file, where no session is shifted; ``(files,)``.
        shifts: Of each session; ``(sessions,)``.
        lean: How much more of a shift a file takes that runs longer by a factor of e; below zero where what slows a
            session costs each run a time of its own.
        weights: Of each reading; ``(files, sessions)``.
        spread: Typical size of a residual.
    """

    levels: Floats
    shifts: Floats
    lean: float
    weights: Floats
    spread: float

    def levels_at(self, shift: float) -> Floats:
        """The level of each file in a session of such a shift."""
        return np.asarray(self.levels + shift * (1 + self.lean * _centred(self.levels)))

    def expected(self) -> Floats:
        """Each file in each session, ``(files, sessions)``."""
        return np.asarray(self.levels[:, None] + np.outer(1 + self.lean * _centred(self.levels), self.shifts))


def _explain(table: Floats, trust: Floats) -> _Fit:
    """Least squares that large residuals count less in."""
    known = ~np.isnan(table)
    values = np.where(known, table, 0.0)
    fit = _Fit(levels=np.zeros(len(table)), shifts=np.zeros(len(trust)), lean=0.0, weights=known * trust, spread=0.0)
    for _ in range(_ROUNDS):
        leaning = fit.lean * np.outer(_centred(fit.levels), fit.shifts)
        levels, shifts = _least_squares(np.where(known, values - leaning, 0.0), fit.weights)
        zero = np.quantile(shifts, _ZERO)
        levels, shifts = levels + zero, shifts - zero
        product = np.outer(_centred(levels), shifts)
        rest = np.where(known, values - levels[:, None] - shifts, 0.0)
        lean = float((fit.weights * rest * product).sum() / ((fit.weights * product**2).sum() + _LEAN_PRIOR))
        residuals = np.abs(rest - lean * product)
        spread = _spread(residuals[fit.weights > _TRUSTED])
        large = np.maximum(residuals / (_HUBER * spread), 1.0)
        fit = _Fit(levels=levels, shifts=shifts, lean=lean, weights=known * trust / large, spread=spread)
    return fit


def _centred(levels: Floats) -> Floats:
    return np.asarray(levels - levels.mean())


def _least_squares(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Two-way additive fit; the levels are eliminated, so that one system of the sessions' size is left."""
    per_file = weights.sum(axis=1)
    means = (weights * values).sum(axis=1) / per_file
    shared = weights.T @ (weights / per_file[:, None])
    system = np.diag(weights.sum(axis=0)) - shared
    right = (weights * (values - means[:, None])).sum(axis=0)
    shifts = np.linalg.lstsq(system, right, rcond=1e-9)[0]
    levels = (weights * (values - shifts)).sum(axis=1) / per_file
    return levels, np.asarray(shifts)


def _scatter(table: Floats, fit: _Fit) -> Floats:
    """Typical size of a residual of each session, ``(sessions,)``; a level of few readings lies too near to each."""
    count = (~np.isnan(table)).sum(axis=1, keepdims=True)
    freed = np.sqrt(count / np.maximum(count - 1, 1))
    return np.asarray(_NORMAL * np.nanmedian(np.abs(table - fit.expected()) * freed, axis=0))


def _spread(residuals: Floats) -> float:
    """Typical size of readings' distances from what is expected."""
    return max(_NORMAL * float(np.median(residuals)) if residuals.size else 0.0, _LEAST_SPREAD)
