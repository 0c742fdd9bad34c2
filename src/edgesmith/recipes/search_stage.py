"""The search within a run: latency of the space, a plan, the study, and what is measured end to end in the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.space.parts import Side
from edgesmith.arch.spec import NetSpec
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import BudgetError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.devices.across import Target
from edgesmith.recipes.candidates import MARGIN, Measured
from edgesmith.recipes.int8_candidates import int8_of
from edgesmith.recipes.material import Material
from edgesmith.recipes.proxy import Probe, Proxy
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.search_parent import SHARE as PARENT_SHARE
from edgesmith.recipes.search_parent import can_inherit, train_parent
from edgesmith.recipes.search_plan import SearchPlan
from edgesmith.recipes.search_result import Search, Tried, rank
from edgesmith.recipes.search_run import SearchRun, plan_proxies
from edgesmith.recipes.search_space import space_for
from edgesmith.recipes.search_wishes import AUTO, PROXY, SearchWishes
from edgesmith.recipes.shared_weights import one_resolution
from edgesmith.recipes.space_latency import SpaceLatency, cheapest_point, learn_latency
from edgesmith.recipes.task_nets import require_classification
from edgesmith.recipes.untrained import measure_specs
from edgesmith.recipes.zoo_first import SHARE, Home, homes_of, try_zoo
from edgesmith.search.executors.base import Executor
from edgesmith.search.executors.table import make_executor
from edgesmith.search.limits import Limits

FINALISTS: Final = 10
_ROUNDS: Final = 3
_MOST_ERROR: Final = 0.1
# V3-Small at 96 pixels on flowers: 76.5 % after the 85 epochs that a search left it, 81.5 % after 195 in one training.
_ENOUGH_EPOCHS: Final = 200


def search_stage(
    wishes: SearchWishes,
    *,
    material: Material,
    data: str,
    weights: str,
    recipe: str,
    settings: Sequence[str],
    seed: int,
    limits: Limits,
    target: Target,
    seconds: float,
    both_s: float = math.inf,
    zoo: Sequence[NetSpec],
    resolutions: Sequence[Side],
    stages: Stages,
    folder: Path,
    progress: Progress = SILENT,
) -> Search | None:
    """Search; started again with the same arguments it goes on where it was.

    Args:
        wishes: What is asked for.
        material: The opened set.
        data: As DATA of the command line: workers open it themselves.
        weights: As ``--weights``.
        recipe: Name of the recipe of proxy trainings.
        settings: Its settings.
        seed: Decides all that is drawn.
        limits: What no network returned may exceed.
        target: Where latency counts.
        seconds: For trainings and scores.
        both_s: For these and for the training of what is found. A search that nobody asked for takes of it what that
            training has no use for.
        zoo: Networks of the zoo within the limits, the most capable first.
        resolutions: Sizes of the input in pixels to choose from.
        stages: Of the run.
        folder: Of the run.
        progress: Told of each stage.

    Returns:
        What was found; None where the wishes leave it, and the time buys too few candidates.

    Raises:
        BudgetError: Nothing in the space keeps the limits.
        UsageError: Space, executor or study are not known, or the way of scoring is not there for the task.
    """
    is_shared, dataset = wishes.scoring != PROXY, material.dataset
    if is_shared:
        require_classification(dataset.task, f"--scoring {wishes.scoring}")
    sides = one_resolution(zoo, resolutions) if is_shared else resolutions
    make = partial(space_for, resolutions=sides, num_classes=len(dataset.classes), task=dataset.task)
    space = make(wishes.space, zoo)
    share = PARENT_SHARE if can_inherit(wishes) else 0.0
    probe = Probe(
        space=space,
        data=data,
        weights=weights,
        recipe=recipe,
        settings=tuple(settings),
        pictures=1,
        scale=wishes.proxy.scale,
        seed=seed,
        int8=int8_of(target, progress=progress),
        subset=wishes.proxy.subset,
    )
    executor = make_executor(wishes.executor)
    try:
        if wishes.if_worth and not is_shared:
            work = partial(_first_plan, probe, executor, seconds, both_s, share, zoo, material)
            worth = stages.run("search-worth", work)
            plan, seconds = from_dict(SearchPlan, worth["plan"]), worth["seconds"]
            if not plan.is_worth:
                progress.note(f"no search: {plan.describe()}; they go into trainings")
                return None
        homes = [] if is_shared or wishes.space != AUTO else homes_of(zoo, make)
        first = _tried_first(probe, homes, executor, SHARE * seconds, material, stages)
        lines, parent = [], None
        if first:
            progress.note(first["line"])
            lines.append(first["line"])
            zoo, seconds = sorted(zoo, key=lambda spec: _place(spec.name, first["order"])), (1 - SHARE) * seconds
            space = make(AUTO, zoo)
            probe = replace(probe, space=space)
        learn = partial(learn_latency, space, target, budget_ms=limits.latency_ms, seed=seed, progress=progress)
        told = stages.run("search-latency", lambda: learn().to_json(), forecast_s=120)
        latency = SpaceLatency.from_json(told)
        progress.note(latency.describe())
        if share and (home := next((each for each in homes_of(zoo, make) if each.space.name == space.name), None)):
            parent = train_parent(
                probe, home, share * seconds, material=material, stages=stages, folder=folder, progress=progress
            )
        if parent is not None:
            progress.note(parent.line)
            lines.append(parent.line)
            probe, seconds = replace(probe, weights=parent.bundle), seconds - parent.seconds
        proxy = Proxy(**vars(probe), latency=latency.model)
        # An estimate that errs by its usual error still leaves the margin that the final measurement wants.
        aim = replace(limits, latency_ms=limits.latency_ms * MARGIN / (1 + min(latency.error, _MOST_ERROR)))
        run = SearchRun(
            wishes,
            proxy,
            latency,
            limits,
            aim,
            executor,
            stages,
            folder,
            progress,
            zoo=zoo,
            inherited=parent is not None,
        )
        scoring = run.shared(seconds) if is_shared else run.alone(seconds, material)
        tried, failed = run.arms(scoring)
        ranked = rank(tried, limits)
        if not ranked:
            raise BudgetError(
                f"none of {len(tried)} candidates keeps the limits by its estimated latency; raise --budget"
            )
        measured = stages.run("search-finalists", lambda: _measure(ranked, limits, target, progress), forecast_s=60)
    finally:
        executor.close()
    finalists = [Measured.from_json(each) for each in measured]
    return Search(
        space=space,
        latency=latency,
        plan="; ".join((*lines, scoring.line)),
        agreement=scoring.agreement,
        tried=tuple(tried),
        failed=tuple(failed),
        finalists=tuple(each for each in finalists if _keeps(each, limits)),
        too_slow=tuple(each for each in finalists if not _keeps(each, limits)),
        parent=parent,
    )


def _first_plan(
    probe: Probe,
    executor: Executor,
    seconds: float,
    both_s: float,
    share: float,
    zoo: Sequence[NetSpec],
    material: Material,
) -> dict[str, Any]:
    """Seconds that the winner's training has no use for, and what they would buy without a parent's share."""
    space = probe.space
    point = next((space.encode(spec) for spec in zoo if space.contains(spec)), cheapest_point(space))
    rest, _ = material.parted(probe.seed)
    pace = [point] * executor.slots
    planned = partial(plan_proxies, probe, pace, executor, num_pictures=len(rest), inherited=share > 0)
    plan = planned((1 - share) * seconds)
    training_s = _ENOUGH_EPOCHS * len(material.pictures) / (plan.pictures_per_s * plan.workers)
    if both_s - training_s < seconds:
        seconds = max(0.0, both_s - training_s)
        plan = planned((1 - share) * seconds)
    return {"plan": to_dict(plan), "seconds": seconds}


def _tried_first(
    probe: Probe, homes: Sequence[Home], executor: Executor, seconds: float, material: Material, stages: Stages
) -> Mapping[str, Any]:
    """How the zoo's networks do on these pictures, where they are of several spaces; else nothing."""
    if len({home.space.name for home in homes}) < 2:
        return {}
    num_pictures = len(material.parted(probe.seed)[0])
    work = partial(try_zoo, probe, homes, executor, seconds, num_pictures=num_pictures)
    found: Mapping[str, Any] = stages.run("search-zoo", work, forecast_s=seconds)
    return found


def _place(name: str, order: Sequence[str]) -> int:
    """Place of a name in an order; behind all where it is not in it."""
    return order.index(name) if name in order else len(order)


def _measure(ranked: Sequence[Tried], limits: Limits, target: Target, progress: Progress) -> list[dict[str, Any]]:
    """The best ones end to end; the next best too where those turn out too slow."""
    found: list[Measured] = []
    for begin in range(0, min(len(ranked), _ROUNDS * FINALISTS), FINALISTS):
        specs = [each.spec for each in ranked[begin : begin + FINALISTS]]
        latencies = measure_specs(specs, target, progress=progress)
        found += [Measured(spec=spec, latency=latency) for spec, latency in zip(specs, latencies, strict=True)]
        if any(_keeps(each, limits) for each in found):
            break
    return [each.to_json() for each in found]


def _keeps(measured: Measured, limits: Limits) -> bool:
    return limits.excess(measured.spec, measured.latency.high_ms / MARGIN) <= 0
