"""Candidates scored by the weights of one supernet, and whether that ranks them as trainings of their own do."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.parts import Side, shape_of
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.core.units import format_duration
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.proxy import Proxy, cost_numbers, scaled, start_for
from edgesmith.recipes.train import named_recipe, task_of
from edgesmith.search.executors.base import Executor
from edgesmith.search.limits import Limits
from edgesmith.search.objective import Reward
from edgesmith.search.supernet.oneshot import search_oneshot
from edgesmith.search.supernet.rank import compare_ranks, distinct_points
from edgesmith.search.supernet.supernet import Judge, Supernet
from edgesmith.search.supernet.train import Origin, train_supernet

# Of the search's time; the rest scores candidates.
TRAINING: Final = 0.5
RANKING: Final = 0.2
MOST: Final = 400
_CALIBRATION: Final = 640
RANKED: Final = 10
# Of a policy: one picture in so many is for it, and so many training batches are one of its.
_SEEN: Final = 5
_POLICY_BATCHES: Final = 4
_PROBES: Final = 2
_FORWARD: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class SharedScore:
    """Scores points with the weights of a supernet, at the proxy's resolution; latency is that of the whole network.

    Attributes:
        supernet: Trained.
        proxy: What it takes the place of.
        chosen: What a policy that was trained beside it would choose; None without one.
    """

    supernet: Supernet
    proxy: Proxy
    chosen: Encoding | None = None

    def __call__(self, point: Encoding) -> Mapping[str, float]:
        """Accuracy on the held-out part of train with newly estimated norms, and what the network costs."""
        costs = cost_numbers(self.proxy.space.decode(point), self.proxy.latency)
        return {"accuracy": self.supernet.score(point), **costs}

    def seconds(self) -> float:
        """What scoring a point takes here."""
        rng, times = generator(self.proxy.seed, "score"), []
        for _ in range(_PROBES):
            begun = time.monotonic()
            self.supernet.score(self.supernet.sample(rng))
            times.append(time.monotonic() - begun)
        return min(times)


def train_shared(
    proxy: Proxy,
    limits: Limits | None,
    *,
    seconds: float,
    folder: Path,
    reward: Reward | None = None,
    progress: Progress = SILENT,
) -> SharedScore:
    """Train the supernet of a space for so long; started again on the same folder it goes on.

    Args:
        proxy: Says space, data, weights, recipe and resolution; its space has one resolution.
        limits: What exceeds them is neither drawn nor scored; None lets everything be.
        seconds: Of training.
        folder: Takes events and checkpoints.
        reward: What a policy beside it learns from, on a fifth of the training pictures (TuNAS); None trains the
            supernet alone, by the sandwich rule.
        progress: Told of each stage.

    Raises:
        WeightsError: The space's networks cannot share weights, or the origin is not among them.
        BudgetError: Not even the smallest network keeps the limits.
    """
    bench = proxy.bench
    rest = bench.drawn_from(proxy.subset)
    whole = proxy.space.decode((0,) * len(proxy.space.choices))
    spec = scaled(whole, proxy.scale)
    space = with_resolution(proxy.space, spec.resolution[0])
    start = start_for(proxy.space, bench.starts)
    rule = start.rule(spec)
    config = replace(
        named_recipe(proxy.recipe, proxy.settings, spec=spec, seed=proxy.seed),
        evaluate_every_pictures=None,
        resolution_steps=(1.0,),
        frozen_pictures=0,
        max_grad_norm=1.0,
    )
    some = bench.material.crops(rest[:: -(-len(rest) // _CALIBRATION)], rule)
    judge = Judge(
        task=task_of(bench.material, config),
        held_out=lambda: batches_of(bench.crops(rule)),
        calibration=tuple(torch.from_numpy(batch.images) for batch in some.batches(64)),
        seed=proxy.seed,
    )

    def allowed(small: NetSpec) -> bool:
        full = small.with_resolution(whole.resolution[0])
        return limits is None or limits.excess(full, proxy.latency.estimate_ms(full)) <= 0

    origin = None if start.origin is None else Origin(spec=start.origin.spec, state=start.origin.state)
    if reward is None:
        supernet = train_supernet(
            space,
            bench.material.loader(rest, config, rule),
            judge,
            config=config,
            limit_s=seconds,
            origin=origin,
            allowed=allowed,
            folder=folder,
            progress=progress,
        )
        return SharedScore(supernet=supernet, proxy=proxy)
    seen, learned = rest[::_SEEN], [sample for place, sample in enumerate(rest) if place % _SEEN]
    found = search_oneshot(
        space,
        bench.material.loader(learned, config, rule),
        [
            (torch.from_numpy(batch.images), torch.from_numpy(batch.labels))
            for batch in bench.material.crops(seen, rule).batches(_POLICY_BATCHES * config.batch_size)
        ],
        judge,
        latency=lambda small: proxy.latency.estimate_ms(small.with_resolution(whole.resolution[0])),
        reward=reward,
        config=config,
        limit_s=seconds,
        origin=origin,
        allowed=allowed,
        folder=folder,
        progress=progress,
    )
    return SharedScore(supernet=found.supernet, proxy=proxy, chosen=found.point)


def agree(shared: SharedScore, executor: Executor, *, progress: Progress = SILENT) -> dict[str, Any]:
    """Kendall's tau of the supernet with trainings of their own, on networks drawn within the limits.

    Args:
        shared: The supernet, with the proxy that trains networks alone.
        executor: Runs the trainings.
        progress: Told of them.

    Returns:
        ``tau``, ``low`` and ``high`` (None where all score alike), ``nets``, and ``line``, which warns where the
        ranking is not to be trusted.
    """
    points = distinct_points(shared.supernet, RANKED, seed=shared.proxy.seed)
    alone: dict[int, float] = {}
    with progress.stage("rank correlation", len(points), "nets") as stage:
        for done in executor.run(shared.proxy, points):
            if done.answer is not None:
                alone[done.number] = done.answer["accuracy"]
            stage.advance()
    known = sorted(alone)
    specs = [shared.proxy.space.decode(points[number]) for number in known]
    scores = [shared.supernet.score(points[number]) for number in known]
    found = compare_ranks(specs, scores, [alone[number] for number in known], seed=shared.proxy.seed)
    line = found.warning or (
        f"the supernet ranks {len(known)} networks as trainings of their own do with Kendall's tau {found.tau:.2f} "
        f"({found.low:.2f} to {found.high:.2f})"
    )
    if math.isnan(found.tau):
        line = f"whether the supernet ranks as trainings of their own do cannot be told: all {len(known)} score alike"
    figures = {"tau": found.tau, "low": found.low, "high": found.high}
    told = {name: None if math.isnan(value) else value for name, value in figures.items()}
    return {**told, "nets": len(known), "line": line}


def describe_shared(seconds: float, trials: int, *, has_policy: bool = False) -> str:
    """What the time buys, in one line."""
    policy = " with a policy beside it" if has_policy else ""
    return (
        f"{format_duration(seconds)} buy one supernet, trained for {format_duration(TRAINING * seconds)}{policy}, and "
        f"{trials} evaluations"
    )


def forecast_shared(seconds: float, pictures_per_s: float, num_held: int) -> str:
    """What the time would buy this way, before anything is trained.

    Args:
        seconds: Of the search.
        pictures_per_s: That a candidate trains on; forward alone is about three times as fast.
        num_held: Pictures that a candidate is scored on.
    """
    trials = affordable(seconds, (_CALIBRATION + num_held) / (_FORWARD * pictures_per_s), None)
    return f"by --scoring supernet one supernet and about {trials} evaluations"


def with_resolution(space: StagedSpace, side: int) -> StagedSpace:
    """The same space at one resolution: its points mean the same layers."""
    return StagedSpace(space.name, replace(space.frame, resolutions=(side,)), space.stages)


def affordable(seconds: float, score_s: float, trials: int | None) -> int:
    """Candidates that there is time to score; the user's number, where there is one."""
    return trials or max(1, min(MOST, round((1 - TRAINING - RANKING) * seconds / max(score_s, 1e-3))))


def one_resolution(zoo: Sequence[NetSpec], resolutions: Sequence[Side]) -> tuple[Side, ...]:
    """The zoo's most capable network's, if it may be chosen, else the largest: a supernet has one."""
    wanted = {zoo[0].resolution} if zoo else set()
    largest = max(resolutions, key=lambda side: math.prod(shape_of(side)))
    return (next((side for side in resolutions if shape_of(side) in wanted), largest),)
