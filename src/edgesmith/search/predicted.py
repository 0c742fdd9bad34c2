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
from edgesmith.search.crowd import Codes, codes_of, fingerprints, points_of, sample
from edgesmith.search.gaussian import Floats, GaussianProcess
from edgesmith.search.herd import Herd
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

    def predict(codes: Codes) -> Floats:
        belief = model.believe(codes)
        times_ms = latencies([space.decode(point) for point in points_of(codes)])
        return np.column_stack([belief.mean + _BRAVERY * belief.deviation, np.negative(times_ms)])

    herd = Herd(space, predict, population=_POPULATION, least=-limit_ms)
    herd.look_at(np.concatenate([told, sample(space, _OFFSPRING, rng)]))
    idle = 0
    while len(herd.codes) < candidates and idle < _IDLE:
        new = herd.look_at(herd.children(_OFFSPRING, rng), most=candidates - len(herd.codes))
        idle = 0 if new else idle + 1
    return _best_of(herd, told, limit_ms=limit_ms, count=count)


def _best_of(herd: Herd, told: Codes, *, limit_ms: float, count: int) -> Proposals:
    """The most promising within the limit."""
    promises, times_ms = herd.goals[:, 0], -herd.goals[:, 1]
    within = times_ms <= limit_ms
    if not within.any():
        raise UsageError(
            f"no network of {len(herd.codes)} is predicted to be within {limit_ms:g} ms; "
            f"the fastest takes {times_ms.min():.3g} ms"
        )
    places = np.flatnonzero(within & ~np.isin(fingerprints(herd.codes), fingerprints(told)))
    chosen = places[np.argsort(-promises[places], kind="stable")[:count]]
    found = zip(points_of(herd.codes[chosen]), promises[chosen].tolist(), times_ms[chosen].tolist(), strict=True)
    return Proposals(
        best=tuple(Predicted(point=point, promise=promise, latency_ms=ms) for point, promise, ms in found),
        num_candidates=len(herd.codes),
    )
