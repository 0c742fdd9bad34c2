"""Regularised evolution (Real et al. 2019): the best of a few mutates, the oldest dies."""

from __future__ import annotations

import numpy as np

from edgesmith.arch.space.choices import Encoding
from edgesmith.search.strategies.base import Strategy

POPULATION = 20
SAMPLE = 5


class RegularisedEvolution(Strategy):
    """A population of the latest trials; each child is a mutant of the best of a few drawn from it."""

    name = "evolution"

    def propose(self, count: int, rng: np.random.Generator) -> list[Encoding]:
        """Random points until there is a population, then children."""
        if len(self.history) < POPULATION:
            return self.fresh(rng, self.known(), count=count)
        population, known = self.history[-POPULATION:], self.known()
        found = []
        for _ in range(count):
            drawn = [population[place] for place in rng.permutation(POPULATION)[:SAMPLE].tolist()]
            parent = max(drawn, key=lambda trial: trial.result.rank).point
            child = parent
            for tries in range(1, 20):
                child = self.space.mutate(parent, rng, changes=1 + tries // 10)
                if child not in known:
                    break
            known.add(child)
            found.append(child)
        return found
