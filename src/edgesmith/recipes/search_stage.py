"""The search within a run: latency of the space, a plan, the study, and what is measured end to end in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.space.presets import SPACES, find_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import BudgetError, RunError, UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.core.table import lookup
from edgesmith.recipes.candidates import MARGIN, Measured
from edgesmith.recipes.material import HELD_FRACTION, Material
from edgesmith.recipes.proxy import Proxy
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.search_plan import SearchPlan, plan_search
from edgesmith.recipes.search_result import Search, Tried, rank
from edgesmith.recipes.search_wishes import AUTO, SearchWishes
from edgesmith.recipes.space_latency import (
    SpaceLatency,
    cheapest_point,
    learn_latency,
    make_limit,
    measure_specs,
    too_slow,
)
from edgesmith.search.executors.base import Executor
from edgesmith.search.executors.table import make_executor
from edgesmith.search.ledger import Record
from edgesmith.search.limited import LimitedSpace
from edgesmith.search.limits import Limits
from edgesmith.search.settle import Judge
from edgesmith.search.storage import sqlite_url
from edgesmith.search.strategies.base import Result, Strategy
from edgesmith.search.strategies.random import RandomSearch
from edgesmith.search.strategies.table import make_strategy
from edgesmith.search.study import Study

FINALISTS: Final = 10
SCALE: Final = 0.7
_ROUNDS: Final = 3
_MOST_ERROR: Final = 0.1
_PROBES: Final = 2


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
    device: str,
    seconds: float,
    zoo: Sequence[NetSpec],
    resolutions: Sequence[int],
    stages: Stages,
    folder: Path,
    progress: Progress = SILENT,
) -> Search:
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
        device: Where latency counts, as typed.
        seconds: For the proxy trainings.
        zoo: Networks of the zoo within the limits, the most capable first.
        resolutions: Sides of the input in pixels to choose from.
        stages: Of the run.
        folder: Of the run.
        progress: Told of each stage.

    Raises:
        BudgetError: Nothing in the space keeps the limits.
        UsageError: Space, executor or study are not known.
    """
    executor = make_executor(wishes.executor)
    space = space_for(wishes.space, zoo, resolutions=resolutions, num_classes=len(material.dataset.classes))
    latency = SpaceLatency.from_json(
        stages.run(
            "search-latency",
            lambda: learn_latency(space, device, budget_ms=limits.latency_ms, seed=seed, progress=progress).to_json(),
            forecast_s=120,
        )
    )
    progress.note(latency.describe())
    # An estimate that errs by its usual error still leaves the margin that the final measurement wants.
    aim = replace(limits, latency_ms=limits.latency_ms * MARGIN / (1 + min(latency.error, _MOST_ERROR)))
    limited = limit_space(space, latency, aim)
    proxy = Proxy(
        space=space,
        data=data,
        weights=weights,
        recipe=recipe,
        settings=tuple(settings),
        pictures=1,
        scale=SCALE,
        seed=seed,
        latency=latency.model,
    )

    def plan() -> dict[str, Any]:
        rng = generator(seed, "probe")
        points = [limited.sample(rng) for _ in range(_PROBES * executor.slots)]
        probes = list(executor.run(proxy.speed, points))
        speeds = [done.answer for done in probes if done.answer is not None]
        if not speeds:
            raise RunError(f"no candidate could be trained: {probes[0].failure}")
        arms = 2 if wishes.random else 1
        rest = len(material.dataset.hold_out(HELD_FRACTION, seed=seed)[0])
        return to_dict(
            plan_search(seconds / arms, speeds, workers=executor.slots, num_pictures=rest, trials=wishes.trials)
        )

    found = from_dict(SearchPlan, stages.run("search-plan", plan, forecast_s=30))
    progress.note(found.describe())
    proxy = replace(proxy, pictures=found.pictures)
    reward = wishes.make_reward(limits.latency_ms)
    run = _Run(wishes, proxy, limits, found, executor=executor, folder=folder, progress=progress)
    chosen = make_strategy(wishes.strategy, limited if reward is None else space, seed=seed)
    arms = [chosen, *([RandomSearch(limited, seed=seed)] if wishes.random else [])]
    tried: list[Tried] = []
    failed: list[str] = []
    for number, strategy in enumerate(arms):
        name = strategy.name if number == 0 else f"{strategy.name}-beside"
        rows = stages.run(f"search-{name}", partial(run.arm, strategy, name), forecast_s=found.seconds)
        tried += map(Tried.from_json, rows["tried"])
        failed += rows["failed"]
    ranked = rank(tried, limits)
    if not ranked:
        raise BudgetError(f"none of {len(tried)} candidates keeps the limits by its estimated latency; raise --budget")
    measured = stages.run("search-finalists", lambda: _measure(ranked, limits, device, progress), forecast_s=60)
    finalists = [Measured.from_json(each) for each in measured]
    return Search(
        space=space,
        latency=latency,
        plan=found,
        tried=tuple(tried),
        failed=tuple(failed),
        finalists=tuple(each for each in finalists if _keeps(each, limits)),
        too_slow=tuple(each for each in finalists if not _keeps(each, limits)),
    )


class _Run:
    """Studies of one search."""

    def __init__(
        self,
        wishes: SearchWishes,
        proxy: Proxy,
        limits: Limits,
        plan: SearchPlan,
        *,
        executor: Executor,
        folder: Path,
        progress: Progress,
    ) -> None:
        self.wishes, self.proxy, self.limits, self.plan = wishes, proxy, limits, plan
        self.executor = executor
        self.folder, self.progress = folder, progress

    def arm(self, strategy: Strategy, name: str) -> dict[str, Any]:
        """Let one strategy have all its trials; rows for the run folder."""
        study = Study(
            self.wishes.study or sqlite_url(self.folder / "study.db"),
            name=f"{self.folder.name}-{name}",
            strategy=strategy,
            settings={"pictures": self.plan.pictures, "data": self.proxy.data, "weights": self.proxy.weights},
        )
        outcome = study.run(
            self.proxy,
            make_judge(self.wishes, self.limits),
            trials=self.plan.trials,
            batch=2 * self.executor.slots,
            executor=self.executor,
            progress=self.progress,
        )
        rows = [self._row(record, strategy.name) for record in outcome.records if record.failure is None]
        return {
            "tried": [row.to_json() for row in rows],
            "failed": [f"{record.point}: {record.failure}" for record in outcome.failed],
        }

    def _row(self, record: Record, by: str) -> Tried:
        return Tried(
            spec=self.proxy.space.decode(record.point),
            point=record.point,
            accuracy=record.values["accuracy"],
            estimated_ms=record.values["ms"],
            by=by,
        )


def make_judge(wishes: SearchWishes, limits: Limits) -> Judge:
    """What strategies see of an evaluation: the accuracy under the limits, or a reward."""
    reward = wishes.make_reward(limits.latency_ms)

    def judge(values: Mapping[str, float]) -> Result:
        accuracy, ms = values["accuracy"], values["ms"]
        if reward is not None:
            return Result(score=reward.of(accuracy, ms))
        return Result(score=accuracy, violation=max(0.0, ms / limits.latency_ms - 1))

    return judge


def space_for(name: str, zoo: Sequence[NetSpec], *, resolutions: Sequence[int], num_classes: int) -> StagedSpace:
    """The space that was named, or the one around the first of some networks.

    Raises:
        UsageError: It is unknown, or none of the networks has a space; names the choices.
    """
    if name == AUTO:
        names = [spec.name.partition("@")[0] for spec in zoo]
        name = next((each for each in names if each in SPACES), "")
        if not name:
            raise UsageError(f"there is no search space around {', '.join(names)}; choose one of {', '.join(SPACES)}")
    lookup(SPACES, name, what="search space")
    return find_space(name, resolutions=resolutions, num_classes=num_classes)


def limit_space(space: StagedSpace, latency: SpaceLatency, limits: Limits) -> LimitedSpace:
    """The part of a space that keeps the limits by its estimates.

    Raises:
        BudgetError: Not even the smallest network does; says what it takes.
    """
    keeps, smallest = make_limit(space, latency, limits), cheapest_point(space)
    if not keeps(smallest):
        spec = space.decode(smallest)
        ms = latency.model.estimate_ms(spec)
        if ms > limits.latency_ms:
            raise too_slow(space, ms, latency.device, limits.latency_ms)
        raise BudgetError(f"no network of space {space.name} keeps --max-size and --max-memory; raise them")
    return LimitedSpace(space, keeps, origin=smallest)


def _measure(ranked: Sequence[Tried], limits: Limits, device: str, progress: Progress) -> list[dict[str, Any]]:
    """The best ones end to end; the next best too where those turn out too slow."""
    found: list[Measured] = []
    for begin in range(0, min(len(ranked), _ROUNDS * FINALISTS), FINALISTS):
        specs = [each.spec for each in ranked[begin : begin + FINALISTS]]
        latencies = measure_specs(specs, device, progress=progress)
        found += [Measured(spec=spec, latency=latency) for spec, latency in zip(specs, latencies, strict=True)]
        if any(_keeps(each, limits) for each in found):
            break
    return [each.to_json() for each in found]


def _keeps(measured: Measured, limits: Limits) -> bool:
    return limits.excess(measured.spec, measured.latency.high_ms / MARGIN) <= 0
