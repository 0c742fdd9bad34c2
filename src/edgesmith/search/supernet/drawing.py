"""Points drawn from a space, none of which breaks a hard limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import BudgetError
from edgesmith.search.supernet.family import Family

Allowed = Callable[[NetSpec], bool]

_TRIES: Final = 16


class Draw:
    """Draws nets that a caller's limit allows, such as those under a latency.

    Args:
        family: Whose nets.
        allowed: The limit; None allows all.

    Raises:
        BudgetError: Not even the smallest net is allowed.
    """

    def __init__(self, family: Family, allowed: Allowed | None = None) -> None:
        self._family, self._allowed = family, allowed
        self._known: dict[Encoding, bool] = {}
        if not self.allows(family.smallest):
            raise BudgetError(
                f"not even the smallest net of {family.space.name} is within the limit; raise it or take another space"
            )

    def allows(self, point: Encoding) -> bool:
        """Whether a net is within the limit."""
        if self._allowed is None:
            return True
        point = self._family.space.normal(point)
        if point not in self._known:
            self._known[point] = bool(self._allowed(self._family.space.decode(point)))
        return self._known[point]

    def point(self, rng: np.random.Generator) -> Encoding:
        """A net drawn evenly in every choice, over again while it is above the limit; at last one made smaller."""
        for _ in range(_TRIES):
            point = self._family.space.sample(rng)
            if self.allows(point):
                return point
        return self.within(point, rng)

    def within(self, point: Encoding, rng: np.random.Generator) -> Encoding:
        """The point if it is allowed, else with the smallest net's options for some choices, drawn one by one."""
        space, smallest = self._family.space, self._family.smallest
        for place in rng.permutation(len(point)).tolist():
            if self.allows(point):
                break
            point = (*point[:place], smallest[place], *point[place + 1 :])
        return space.normal(point)
