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
    order = np.lexsort(tuple(-goals[:, goal] for goal in reversed(range(goals.shape[1]))))
    if goals.shape[1] == 2:  # whatever comes before is as good in the first goal
        second = goals[order, 1]
        better = np.concatenate([[True], second[1:] > np.maximum.accumulate(second)[:-1]])[: len(order)]
        return sorted(order[better].tolist())
    kept: list[int] = []
    for row in order.tolist():
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


def hypervolume_gains(goals: Floats, candidates: Floats, reference: Sequence[float]) -> Floats:
    """What each of many candidates alone would add to the hypervolume of two goals.

    Args:
        goals: ``(rows, 2)`` what is there, each to be raised.
        candidates: ``(points, 2)``.
        reference: Of both goals.
    """
    beyond = goals[(goals > np.asarray(reference)).all(axis=1)]
    steps = beyond[front_of(beyond)]
    steps = steps[np.argsort(steps[:, 0])]
    begins = np.concatenate([[reference[0]], steps[:, 0]])
    ends = np.append(steps[:, 0], np.inf)
    heights = np.append(steps[:, 1], reference[1])
    widths = np.clip(candidates[:, :1] - begins, 0, ends - begins)
    gains: Floats = (widths * np.maximum(candidates[:, 1:] - heights, 0)).sum(axis=1)
    return gains
