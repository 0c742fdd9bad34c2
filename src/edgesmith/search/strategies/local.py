"""Local search: the neighbours of the best point, until none is better; then from another place."""

from __future__ import annotations

import numpy as np

from edgesmith.arch.space.choices import Encoding
from edgesmith.search.strategies.base import Strategy, Trial

_STARTS = 8


class LocalSearch(Strategy):
    """Hill climbing with restarts.

    A few random points, then unknown neighbours of the best point whose neighbours are not all known. A better
    neighbour is climbed at once.
    """

    name = "local"

    def propose(self, count: int, rng: np.random.Generator) -> list[Encoding]:
        """Neighbours of the best places, then new places."""
        known = self.known()
        found: list[Encoding] = []
        if len(self.history) >= _STARTS:
            for trial in sorted(self.history, key=_rank, reverse=True):
                open_ones = [point for point in dict.fromkeys(self.space.neighbours(trial.point)) if point not in known]
                order = rng.permutation(len(open_ones))[: count - len(found)]
                found += [open_ones[place] for place in order.tolist()]
                known.update(found)
                if len(found) == count or self._is_last_resort(trial):
                    break
        return found + self.fresh(rng, known, count=count - len(found))

    def _is_last_resort(self, trial: Trial) -> bool:
        """Whether a trial is too poor to climb from: a new start is worth more."""
        scores = sorted((each.result.rank for each in self.history), reverse=True)
        return trial.result.rank <= scores[min(len(scores) - 1, _STARTS)]


def _rank(trial: Trial) -> tuple[bool, float, float]:
    return trial.result.rank
