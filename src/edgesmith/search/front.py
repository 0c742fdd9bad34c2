"""Fronts: which of several trade-offs no other one beats, and how much they cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def front_of(goals: Floats) -> list[int]:
    """Numbers of the rows that no other row is at least as good as in every goal and better in one.

    Args:
        goals: ``(rows, goals)``, each to be raised. Of equal rows the first is taken.
    """
    kept: list[int] = []
    for row in np.lexsort(tuple(-goals[:, goal] for goal in reversed(range(goals.shape[1])))).tolist():
        if not any((goals[other] >= goals[row]).all() for other in kept):
            kept.append(row)
    return sorted(kept)


def hypervolume(goals: Floats, reference: Sequence[float]) -> float:
    """Area that two goals cover beyond a reference point.

    Args:
        goals: ``(rows, 2)``, each to be raised; rows that are not beyond the reference add nothing.
        reference: Of both goals.
    """
    origin = np.asarray(reference, dtype=np.float64)
    beyond = goals[(goals > origin).all(axis=1)] - origin
    area, height = 0.0, 0.0
    for x, y in sorted(beyond.tolist(), reverse=True):
        if y > height:
            area += x * (y - height)
            height = y
    return area
