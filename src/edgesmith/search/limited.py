"""A space under hard limits: what exceeds them is never proposed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from edgesmith.arch.space.choices import Draws, Encoding, Space
from edgesmith.core.errors import BudgetError

_TRIES: Final = 300
_STEPS: Final = 40
_ATTEMPTS: Final = 20


class LimitedSpace(Space):
    """The points of a space that are allowed.

    Points are drawn until one is allowed. Where almost none is, a walk from an allowed point takes the place of
    drawing: steps that leave the allowed part are not taken.
    """

    def __init__(
        self,
        space: Space,
        allowed: Callable[[Encoding], bool],
        *,
        origin: Encoding | None = None,
        costs: Callable[[Sequence[Encoding]], Sequence[float]] | None = None,
    ) -> None:
        """Limit a space.

        Args:
            space: All points.
            allowed: Whether a point keeps the limits; asked often, so it should be fast.
            origin: An allowed point, where walks begin.
            costs: What points cost, such as a table's milliseconds; strategies may use it.

        Raises:
            BudgetError: The origin is not allowed.
        """
        super().__init__(space.choices, needs=space.needs)
        self._space, self._is_allowed, self._costs = space, allowed, costs
        if origin is not None and not allowed(origin):
            raise BudgetError("the point to begin at exceeds the limits")
        self._origin = origin

    def allows(self, point: Encoding) -> bool:
        """Whether a point keeps the limits."""
        return self._is_allowed(point)

    def costs(self, points: Sequence[Encoding]) -> Sequence[float] | None:
        """What points cost, where that was given."""
        return None if self._costs is None else self._costs(points)

    def sample(self, rng: Draws) -> Encoding:
        """A point drawn evenly among the allowed ones, or reached by a walk where they are rare.

        Raises:
            BudgetError: None was found, and there is no origin to walk from.
        """
        for _ in range(_TRIES):
            point = self._space.sample(rng)
            if self._is_allowed(point):
                return point
        if self._origin is None:
            raise BudgetError(f"none of {_TRIES} points drawn keeps the limits; raise them")
        return self._walk(self._origin, rng)

    def neighbours(self, point: Encoding) -> Iterator[Encoding]:
        """Allowed points that differ in one choice."""
        return (other for other in self._space.neighbours(point) if self._is_allowed(other))

    def mutate(self, point: Encoding, rng: Draws, *, changes: float = 1.0) -> Encoding:
        """Draw some choices anew; the point itself where no change that was tried is allowed."""
        for _ in range(_ATTEMPTS):
            changed = self._space.mutate(point, rng, changes=changes)
            if self._is_allowed(changed):
                return changed
        return point

    def crossover(self, first: Encoding, second: Encoding, rng: Draws) -> Encoding:
        """Each choice from one of two points; the first of them where no mixture that was tried is allowed."""
        for _ in range(_ATTEMPTS):
            child = self._space.crossover(first, second, rng)
            if self._is_allowed(child):
                return child
        return first

    def _walk(self, point: Encoding, rng: Draws) -> Encoding:
        for _ in range(_STEPS):
            changed = self._space.mutate(point, rng)
            if self._is_allowed(changed):
                point = changed
        return point


def allowed_near(space: Space, point: Encoding, rng: np.random.Generator) -> Encoding:
    """The first allowed point on the way from a point to an allowed one that is drawn, one choice after the other.

    Args:
        space: Whose ``allows`` decides.
        point: Where the way begins; it is returned where it is allowed.
        rng: Draws where the way leads, and in which order.
    """
    found = space.normal(point)
    if space.allows(found):
        return found
    goal = space.sample(rng)
    values = list(point)
    for place in rng.permutation(len(values)).tolist():
        values[place] = goal[place]
        found = space.normal(tuple(values))
        if space.allows(found):
            return found
    return goal
