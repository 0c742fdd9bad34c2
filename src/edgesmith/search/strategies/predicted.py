"""An accuracy predictor fitted to what was evaluated, and a table of latencies, searched by NSGA-II at each turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from edgesmith.search.crowd import Codes, codes_of, distinct, points_of
from edgesmith.search.gaussian import Floats, GaussianProcess
from edgesmith.search.herd import Herd, Predict
from edgesmith.search.strategies.surrogate import Surrogate, hope

_POPULATION: Final = 100
_OFFSPRING: Final = 100
_GENERATIONS: Final = 5
_FRESH: Final = 20


class PredictedSearch(Surrogate):
    """The default's models; candidates are bred by NSGA-II from everything that was evaluated.

    Its two goals are the search's own where there are two. Where there is one they are what a point may be worth and
    what the space knows of its cost, such as a block table's milliseconds; or, where the space knows none, how unsure
    the model is.
    """

    name = "predicted"

    def candidates(self, models: Sequence[GaussianProcess], rng: np.random.Generator) -> Codes:
        """``(points, choices)`` that were bred and are not known."""
        told = codes_of([trial.point for trial in self.history], self.space)
        fresh = codes_of([self.space.sample(rng) for _ in range(_FRESH)], self.space)
        herd = Herd(self.space, self._predictor(models), population=_POPULATION)
        herd.look_at(np.concatenate([told, fresh]))
        for _ in range(_GENERATIONS):
            herd.look_at(herd.children(_OFFSPRING, rng))
        return distinct(herd.codes, told)

    def _predictor(self, models: Sequence[GaussianProcess]) -> Predict:
        if len(models) == 2:
            return lambda codes: np.column_stack([hope(model.believe(codes)) for model in models])

        def predict(codes: Codes) -> Floats:
            belief = models[0].believe(codes)
            costs = self.space.costs(points_of(codes))
            return np.column_stack([hope(belief), belief.deviation if costs is None else np.negative(costs)])

        return predict
