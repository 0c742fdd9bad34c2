"""NSGA-II over predictions: whatever costs no evaluation can be asked of thousands of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from edgesmith.arch.space.choices import Space
from edgesmith.search.crowd import Codes, cross, distinct, mutate, points_of
from edgesmith.search.nsga import Floats, parents, survivors

Predict: TypeAlias = Callable[[Codes], Floats]
"""``(points, choices)`` -> ``(points, 2)``, both to be raised."""


class Herd:
    """All points that were looked at, and the places in them of the population, the best first.

    Attributes:
        codes: ``(points, choices)`` that were looked at; none twice, none beyond the space's limits.
        goals: ``(points, 2)`` as predicted.
    """

    def __init__(self, space: Space, predict: Predict, *, population: int, least: float = -np.inf) -> None:
        """Begin with nothing.

        Args:
            space: Whose points.
            predict: Both goals of points.
            population: How many live.
            least: Of the second goal, below 0; what is below it is worse than all others, the less the nearer.
        """
        self._space, self._predict, self._size, self._least = space, predict, population, least
        self.codes: Codes = np.empty((0, len(space.choices)), dtype=np.intp)
        self.goals: Floats = np.empty((0, 2))
        self._population = np.empty(0, dtype=np.intp)

    def look_at(self, codes: Codes, *, most: int | None = None) -> int:
        """Predict points and let the best of all live; returns how many were new.

        Args:
            codes: Those that were looked at before, or exceed the space's limits, are passed over.
            most: New ones at most.
        """
        fresh = distinct(codes, self.codes)
        fresh = fresh[[self._space.allows(point) for point in points_of(fresh)]][:most]
        if not len(fresh):
            return 0
        alive = np.concatenate([self._population, len(self.codes) + np.arange(len(fresh))])
        self.goals = np.concatenate([self.goals, self._predict(fresh)])
        self.codes = np.concatenate([self.codes, fresh])
        self._population = alive[survivors(self._judged(alive), self._size)]
        return len(fresh)

    def children(self, count: int, rng: np.random.Generator) -> Codes:
        """Of two parents each, then mutated."""
        first, second = (self.codes[self._population[parents(count, len(self._population), rng)]] for _ in range(2))
        return mutate(self._space, cross(self._space, first, second, rng), rng, changes=1 + rng.random(count))

    def _judged(self, places: Codes) -> Floats:
        goals = self.goals[places].copy()
        short = (self._least - goals[:, 1]) / abs(self._least) if np.isfinite(self._least) else np.zeros(len(goals))
        beyond = short > 0
        goals[beyond, 0] = self.goals[:, 0].min() - short[beyond]
        return goals
