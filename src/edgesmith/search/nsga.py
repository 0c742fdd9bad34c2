"""NSGA-II (Deb et al. 2002) for two goals and many points at once: ranks, crowding, who survives, who has children."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


def front_ranks(goals: Floats) -> Places:
    """``(points,)`` the number of the front that each point lies on: 0 where no other point is as good in both goals.

    Args:
        goals: ``(points, 2)``, each to be raised. Of equal points each lies a front behind the one before.
    """
    ranks = np.zeros(len(goals), dtype=np.intp)
    heights: list[float] = []  # minus the best second goal of each front so far, ascending
    for place in np.lexsort((-goals[:, 1], -goals[:, 0])).tolist():
        height = -float(goals[place, 1])
        rank = bisect_right(heights, height)
        heights[rank : rank + 1] = [height]
        ranks[place] = rank
    return ranks


def crowding(goals: Floats, ranks: Places) -> Floats:
    """Room around each point.

    Returns:
        ``(points,)`` how far its neighbours on its front are apart, in shares of the goals' ranges; inf at ends.
    """
    spans = np.maximum(np.ptp(goals, axis=0), 1e-12)
    found = np.zeros(len(goals))
    for rank in range(int(ranks.max(initial=-1)) + 1):
        places = np.flatnonzero(ranks == rank)
        for goal in range(goals.shape[1]):
            order = places[np.argsort(goals[places, goal], kind="stable")]
            found[order[[0, -1]]] = np.inf
            found[order[1:-1]] += (goals[order[2:], goal] - goals[order[:-2], goal]) / spans[goal]
    return found


def survivors(goals: Floats, count: int) -> Places:
    """The places of so many points, the best first: by front, then by crowding."""
    ranks = front_ranks(goals)
    order: Places = np.lexsort((-crowding(goals, ranks), ranks))
    return order[:count]


def parents(count: int, population: int, rng: np.random.Generator) -> Places:
    """``(count,)`` places in a population whose best come first: the better of two drawn, each time."""
    drawn = rng.integers(population, size=(2, count))
    return np.asarray(drawn.min(axis=0))
