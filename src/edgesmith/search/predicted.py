"""What to evaluate next under a latency limit, from predictions of accuracy and latency alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.seed import generator
from edgesmith.search.crowd import Codes, codes_of, cross, distinct, fingerprints, mutate, points_of, sample
from edgesmith.search.gaussian import Floats, GaussianProcess
from edgesmith.search.nsga import parents, survivors
from edgesmith.search.strategies.base import Trial
from edgesmith.search.strategies.surrogate import warped

Latencies: TypeAlias = Callable[[Sequence[NetSpec]], Sequence[float]]

CANDIDATES: Final = 100_000
_POPULATION: Final = 500
_OFFSPRING: Final = 2000
_BRAVERY: Final = 1.0
_IDLE: Final = 5


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """A network that nobody trained or timed.

    Attributes:
        point: In its space.
        promise: Mean plus deviation of the accuracy predictor, in its own stretched unit: for comparisons only.
        latency_ms: As predicted.
    """

    point: Encoding
    promise: float
    latency_ms: float


@dataclass(frozen=True, kw_only=True)
class Proposals:
    """The outcome.

    Attributes:
        best: Within the limit and not evaluated yet, the most promising first.
        num_candidates: Distinct networks whose accuracy and latency were predicted.
    """

    best: tuple[Predicted, ...]
    num_candidates: int


def propose_predicted(
    space: StagedSpace,
    history: Sequence[Trial],
    latencies: Latencies,
    *,
    limit_ms: float,
    count: int,
    seed: int,
    candidates: int = CANDIDATES,
) -> Proposals:
    """Search the predictions by NSGA-II for accuracy and latency.

    Args:
        space: Where to search.
        history: What was evaluated; the accuracy predictor is fitted to its scores.
        latencies: Predicts the milliseconds of networks, such as a block table does.
        limit_ms: Networks above it are worse than all others.
        count: How many proposals at most; fewer are found only where fewer are within the limit.
        seed: Of the search.
        candidates: Distinct networks to look at; fewer where the space has no more.

    Raises:
        UsageError: Nothing was evaluated yet, or nothing is within the limit; names the fastest that was seen.
    """
    if not history:
        raise UsageError("the accuracy predictor learns from evaluated networks, and there are none yet")
    rng = generator(seed, "predicted", len(history))
    told = codes_of([trial.point for trial in history], space)
    model = GaussianProcess(space, told, warped(np.array([trial.result.score for trial in history])))
    search = _Search(space, model, latencies, limit_ms)
    search.look_at(distinct(np.concatenate([told, sample(space, _OFFSPRING, rng)]), told[:0]))
    idle = 0
    while len(search.codes) < candidates and idle < _IDLE:
        fresh = distinct(search.children(rng), search.codes)[: candidates - len(search.codes)]
        idle = 0 if len(fresh) else idle + 1
        search.look_at(fresh)
    return search.outcome(told, count)


class _Search:
    """All that was looked at, and the places in it of the population, the best first."""

    def __init__(self, space: StagedSpace, model: GaussianProcess, latencies: Latencies, limit_ms: float) -> None:
        self._space, self._model, self._latencies, self._limit_ms = space, model, latencies, limit_ms
        self.codes: Codes = np.empty((0, len(space.choices)), dtype=np.intp)
        self._goals: Floats = np.empty((0, 2))
        self._population = np.empty(0, dtype=np.intp)

    def look_at(self, codes: Codes) -> None:
        """Predict points that were not looked at before, and let the better half of all live."""
        if not len(codes):
            return
        belief = self._model.believe(codes)
        times_ms = self._latencies([self._space.decode(point) for point in points_of(codes)])
        goals = np.column_stack([belief.mean + _BRAVERY * belief.deviation, np.negative(times_ms)])
        alive = np.concatenate([self._population, len(self.codes) + np.arange(len(codes))])
        self.codes = np.concatenate([self.codes, codes])
        self._goals = np.concatenate([self._goals, goals])
        self._population = alive[survivors(self._judged(alive), _POPULATION)]

    def children(self, rng: np.random.Generator) -> Codes:
        """Of two parents each, then mutated."""
        first, second = (
            self.codes[self._population[parents(_OFFSPRING, len(self._population), rng)]] for _ in range(2)
        )
        return mutate(self._space, cross(self._space, first, second, rng), rng, changes=1 + rng.random(_OFFSPRING))

    def outcome(self, told: Codes, count: int) -> Proposals:
        """The best within the limit."""
        times_ms = -self._goals[:, 1]
        within = times_ms <= self._limit_ms
        if not within.any():
            raise UsageError(
                f"no network of {len(self.codes)} is predicted to be within {self._limit_ms:g} ms; "
                f"the fastest takes {times_ms.min():.3g} ms"
            )
        places = np.flatnonzero(within & ~np.isin(fingerprints(self.codes), fingerprints(told)))
        chosen = places[np.argsort(-self._goals[places, 0], kind="stable")[:count]]
        return Proposals(
            best=tuple(
                Predicted(point=point, promise=promise, latency_ms=time_ms)
                for point, promise, time_ms in zip(
                    points_of(self.codes[chosen]),
                    self._goals[chosen, 0].tolist(),
                    times_ms[chosen].tolist(),
                    strict=True,
                )
            ),
            num_candidates=len(self.codes),
        )

    def _judged(self, places: Codes) -> Floats:
        """Goals; those of points beyond the limit are below all others, the less the nearer they are."""
        goals = self._goals[places].copy()
        over = -goals[:, 1] / self._limit_ms - 1
        beyond = over > 0
        goals[beyond, 0] = self._goals[:, 0].min() - over[beyond]
        return goals
