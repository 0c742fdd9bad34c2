"""Random search: the yardstick of every other strategy."""

from __future__ import annotations

import numpy as np

from edgesmith.arch.space.choices import Encoding
from edgesmith.search.strategies.base import Strategy


class RandomSearch(Strategy):
    """Points drawn evenly, none twice."""

    name = "random"

    def propose(self, count: int, rng: np.random.Generator) -> list[Encoding]:
        """New points."""
        return self.fresh(rng, self.known(), count=count)
