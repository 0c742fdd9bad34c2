"""What a search does between the latency of its space and its finalists: scoring, and a study for each strategy."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.spec import NetSpec
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import RunError
from edgesmith.core.progress import Progress
from edgesmith.core.seed import generator
from edgesmith.recipes.judging import make_judge
from edgesmith.recipes.material import Material
from edgesmith.recipes.models import CLASSIFICATION
from edgesmith.recipes.proxy import Probe, Proxy
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.search_job import SearchJob, settings_of
from edgesmith.recipes.search_plan import OVERHEAD_S, SearchPlan, plan_search
from edgesmith.recipes.search_result import Tried
from edgesmith.recipes.search_starts import MOST, starting_points
from edgesmith.recipes.search_wishes import ONESHOT, SearchWishes
from edgesmith.recipes.shared_weights import (
    RANKED,
    RANKING,
    TRAINING,
    affordable,
    agree,
    describe_shared,
    forecast_shared,
    train_shared,
)
from edgesmith.recipes.space_latency import FLOOR, SpaceLatency, limit_space
from edgesmith.recipes.train import named_recipe
from edgesmith.search.executors.base import Executor
from edgesmith.search.executors.here import Here
from edgesmith.search.ledger import Record
from edgesmith.search.limits import Limits
from edgesmith.search.objective import Reward
from edgesmith.search.settle import Evaluate
from edgesmith.search.storage import sqlite_url
from edgesmith.search.strategies.base import Strategy
from edgesmith.search.strategies.random import RandomSearch
from edgesmith.search.strategies.table import make_strategy
from edgesmith.search.study import Study

_PROBES: Final = 2


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How candidates are scored: by whom, how many, and what is said of it.

    ``trials`` and ``seconds`` are for each arm: the strategy, and random candidates beside it.
    """

    evaluate: Evaluate
    executor: Executor
    trials: int
    seconds: float
    line: str
    settings: Mapping[str, Any]
    job: Mapping[str, Any] | None = None
    agreement: str | None = None


class SearchRun:
    """What a search does between the latency of its space and its finalists."""

    def __init__(
        self,
        wishes: SearchWishes,
        proxy: Proxy,
        latency: SpaceLatency,
        limits: Limits,
        aim: Limits,
        executor: Executor,
        stages: Stages,
        folder: Path,
        progress: Progress,
        *,
        zoo: Sequence[NetSpec] = (),
        inherited: bool = False,
    ) -> None:
        self.wishes, self.proxy, self.limits, self.aim = wishes, proxy, limits, aim
        self.limited = limit_space(proxy.space, latency, aim, floor=0.0 if wishes.is_front else FLOOR)
        self.executor, self.stages, self.folder, self.progress = executor, stages, folder, progress
        self.zoo, self.inherited = zoo, inherited
        self.num_arms = 2 if wishes.random else 1
        self.chosen: tuple[Encoding, ...] = ()

    def alone(self, seconds: float, material: Material) -> Scoring:
        """A short training for each candidate."""
        rest, held = map(len, material.parted(self.proxy.seed))
        work = partial(self._plan, seconds, round(self.proxy.subset * rest), pictures=self.wishes.proxy.pictures)
        plan = from_dict(SearchPlan, self.stages.run("search-plan", lambda: to_dict(work()), forecast_s=30))
        line = plan.describe()
        if material.dataset.task == CLASSIFICATION:
            line += f"; or {forecast_shared(seconds / self.num_arms, plan.pictures_per_s, held)}"
        self.progress.note(line)
        proxy = replace(self.proxy, pictures=plan.pictures)
        job = SearchJob.of(proxy, material.dataset, wishes=self.wishes, limits=self.limits)
        return Scoring(
            evaluate=proxy,
            executor=self.executor,
            trials=plan.trials,
            seconds=plan.seconds,
            line=line,
            settings={"pictures": plan.pictures},
            job=job.to_json(),
        )

    def shared(self, seconds: float) -> Scoring:
        """One supernet for all candidates, and what its ranking is worth."""
        share = seconds / self.num_arms
        is_limit = self.wishes.make_reward(1.0) is None
        has_policy, target_ms = self.wishes.scoring == ONESHOT, self.aim.latency_ms
        shared = train_shared(
            self.proxy,
            self.aim if is_limit else None,
            seconds=TRAINING * seconds,
            folder=self.folder / "supernet",
            reward=(self.wishes.make_reward(target_ms) or Reward(target_ms=target_ms)) if has_policy else None,
            progress=self.progress,
        )
        self.chosen = () if shared.chosen is None else (shared.chosen,)
        rest = self.proxy.bench.drawn_from(self.proxy.subset)
        plan = from_dict(
            SearchPlan,
            self.stages.run(
                "search-plan", lambda: to_dict(self._plan(RANKING * seconds, len(rest), trials=RANKED)), forecast_s=30
            ),
        )
        shared = replace(shared, proxy=replace(self.proxy, pictures=plan.pictures))
        agreement = self.stages.run(
            "search-agreement",
            lambda: agree(shared, self.executor, progress=self.progress),
            forecast_s=RANKING * seconds,
        )
        self.progress.note(agreement["line"])
        trials = self.stages.run("search-trials", lambda: affordable(share, shared.seconds(), self.wishes.trials))
        line = describe_shared(seconds, trials, has_policy=has_policy)
        self.progress.note(line)
        return Scoring(
            evaluate=shared,
            executor=Here(),
            trials=trials,
            seconds=(1 - TRAINING - RANKING) * share,
            line=line,
            settings={"supernet": shared.supernet.pictures},
            agreement=agreement["line"],
        )

    def arms(self, scoring: Scoring) -> tuple[list[Tried], list[str]]:
        """The strategy's candidates, then as many random ones if they are wanted; and what failed."""
        is_limit = self.wishes.make_reward(1.0) is None
        space = self.limited if is_limit else self.proxy.space
        chosen = make_strategy(self.wishes.strategy, space, seed=self.proxy.seed, num_goals=len(self.wishes.objectives))
        beside = [RandomSearch(self.limited, seed=self.proxy.seed)] if self.wishes.random else []
        tried: list[Tried] = []
        failed: list[str] = []
        for name, strategy in {chosen.name: chosen, **{f"{each.name}-beside": each for each in beside}}.items():
            work = partial(self._arm, strategy, name, scoring)
            rows = self.stages.run(f"search-{name}", work, forecast_s=scoring.seconds)
            tried += map(Tried.from_json, rows["tried"])
            failed += rows["failed"]
        return tried, failed

    def _plan(
        self, seconds: float, num_pictures: int, *, trials: int | None = None, pictures: int | None = None
    ) -> SearchPlan:
        """What the time buys, from the pace of a few candidates."""
        rng = generator(self.proxy.seed, "probe")
        return plan_proxies(
            self.proxy,
            [self.limited.sample(rng) for _ in range(_PROBES * self.executor.slots)],
            self.executor,
            seconds if trials else seconds / self.num_arms,
            num_pictures=num_pictures,
            trials=trials or self.wishes.trials,
            pictures=pictures,
            inherited=self.inherited,
        )

    def _arm(self, strategy: Strategy, name: str, scoring: Scoring) -> dict[str, Any]:
        """Let one strategy have all its trials; rows for the run folder."""
        study = Study(
            self.wishes.study or sqlite_url(self.folder / "study.db"),
            name=f"{self._study_name()}-{name}",
            strategy=strategy,
            goals=self.wishes.objectives if strategy.num_goals > 1 else (),
            settings={**settings_of(self.proxy), **scoring.settings},
            job=scoring.job,
        )
        outcome = study.run(
            scoring.evaluate,
            make_judge(self.wishes, self.limits),
            trials=scoring.trials,
            batch=self.wishes.batch or 2 * scoring.executor.slots,
            executor=scoring.executor,
            starts=self._starts(name, scoring.trials),
            progress=self.progress,
        )
        rows = [self._row(record, strategy.name) for record in outcome.records if record.failure is None]
        return {
            "tried": [row.to_json() for row in rows],
            "failed": [f"{record.point}: {record.failure}" for record in outcome.failed],
        }

    def _study_name(self) -> str:
        """The run folder's, told apart from other runs' where studies of several live together."""
        if self.wishes.study is None:
            return self.folder.name
        return f"{self.folder.name}-{self.stages.run('search-study', lambda: secrets.token_hex(4))}"

    def _starts(self, name: str, trials: int) -> tuple[Encoding, ...]:
        """What the strategy is shown before it proposes; random candidates beside it stay random."""
        if name.endswith("-beside"):
            return ()
        near = starting_points(self.proxy.space, self.limited, self.zoo, count=min(MOST, trials // 4))
        return tuple(dict.fromkeys((*self.chosen, *near)))

    def _row(self, record: Record, by: str) -> Tried:
        return Tried(
            spec=self.proxy.space.decode(record.point),
            point=record.point,
            accuracy=record.values["accuracy"],
            estimated_ms=record.values["ms"],
            by=by,
            low=record.values.get("low"),
            high=record.values.get("high"),
        )


def plan_proxies(
    probe: Probe,
    points: Sequence[Encoding],
    executor: Executor,
    seconds: float,
    *,
    num_pictures: int,
    trials: int | None = None,
    pictures: int | None = None,
    inherited: bool = False,
) -> SearchPlan:
    """What the time buys, from the pace of some points, as many side by side as there will be.

    Raises:
        RunError: None of them can be trained.
    """
    paced = list(executor.run(probe.speed, points))
    speeds = [done.answer for done in paced if done.answer is not None]
    if not speeds:
        raise RunError(f"no candidate could be trained: {paced[0].failure}")
    recipe = named_recipe(probe.recipe, probe.settings, spec=probe.space.decode(points[0]), seed=probe.seed)
    more = [done.answer or 0.0 for done in executor.run(probe.int8_seconds, points[:1])]
    return plan_search(
        seconds,
        speeds,
        workers=executor.slots,
        num_pictures=num_pictures,
        batch_size=recipe.batch_size,
        trials=trials,
        pictures=pictures,
        overhead_s=OVERHEAD_S + more[0],
        inherited=inherited,
    )
