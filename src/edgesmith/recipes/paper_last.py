"""The last stage of the paper's way: the edited network trained from scratch, with bundle and report as of any fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import BudgetError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.recipes.candidates import Choice, Measured
from edgesmith.recipes.contenders import Contenders
from edgesmith.recipes.effort import announce, plan_time
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_ending import Ending
from edgesmith.recipes.fit_plan import candidate_speeds, plan_training
from edgesmith.recipes.fit_race import Race
from edgesmith.recipes.fit_report import Course
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.material import Material
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.start import NONE, SCRATCH, Starts
from edgesmith.recipes.train import named_recipe, task_of
from edgesmith.recipes.untrained import measure_specs
from edgesmith.report.content import Outcome
from edgesmith.tasks.base import Task


@dataclass(frozen=True, kw_only=True)
class Way:
    """The networks on the paper's way.

    Attributes:
        first: The seed, or what the search found.
        narrowed: What NetAdapt made of it; None where it was not needed.
        last: With the hand edits.
    """

    first: NetSpec
    narrowed: NetSpec | None
    last: NetSpec

    def named(self) -> dict[str, NetSpec]:
        """Each under what the report says of it."""
        found = {"where the way begins, as it was trained": self.first}
        if self.narrowed is not None:
            found["narrowed by NetAdapt"] = replace(self.narrowed, name=f"{self.first.name}, narrowed")
        return found | {"edited by hand and trained from scratch": self.last}


def last_stage(
    way: Way,
    config: FitConfig,
    material: Material,
    stages: Stages,
    home: Path,
    *,
    progress: Progress = SILENT,
) -> FitResult:
    """Train the last network for the time that is left, export, score, measure, tell.

    Args:
        way: How it came about.
        config: Of the run.
        material: The opened set.
        stages: Of the run.
        home: The run folder.
        progress: Told of each stage.

    Raises:
        BudgetError: The last network is too slow before it is trained.
    """
    named, limit_ms = way.named(), config.limits().latency_ms
    told = stages.run("ends", lambda: _measure(tuple(named.values()), config, progress), forecast_s=30)
    measured = tuple(Measured.from_json(each) for each in told)
    last = measured[-1]
    if last.latency.low_ms > limit_ms:
        raise BudgetError(
            f"{last.spec.name} takes {last.latency.ms:.3g} ms after NetAdapt and the hand edits, so it is not trained "
            f"for a budget of {limit_ms:.3g} ms; raise --budget"
        )
    choice = Choice(fitting=(last,), too_slow=(), too_costly=())
    contenders = Contenders(
        choice,
        None,
        Starts(NONE, material=material),
        material,
        seed=config.seed,
        count=1,
        recipe=config.recipe,
        settings=config.settings,
    )
    base = named_recipe(config.recipe or SCRATCH, config.settings, spec=last.spec, seed=config.seed)
    task, time_plan = task_of(material, base, last.spec), plan_time(config.effort, config.time)
    course = Course(
        config=config,
        budget_ms=limit_ms,
        material=material,
        choice=choice,
        search=None,
        contenders=measured,
        race=Race(winner=last.spec.name, standings={}, pictures={}, intervals={}),
        stages=stages,
        plan=_plan(contenders, task, config, material, stages, progress),
        forecast_s=time_plan.total_s,
        told={
            each.spec.name: (Outcome.WINNER if each is last else Outcome.STEP, reason)
            for each, reason in zip(measured, named, strict=True)
        },
    )
    return Ending(course, contenders, None, task, time_plan, home, progress=progress).run()


def _plan(
    contenders: Contenders, task: Task, config: FitConfig, material: Material, stages: Stages, progress: Progress
) -> dict[str, Any]:
    """The pictures that the time is worth that the stages before have left."""
    timed = partial(candidate_speeds, contenders, material, task, teacher=config.teacher, progress=progress)
    speeds = stages.run("speeds", timed, forecast_s=20)
    spent_s, count, time_plan = stages.times()[1], len(material.pictures), plan_time(config.effort, config.time)
    planned = partial(plan_training, speeds, time_plan, spent_s=spent_s, num_pictures=count)
    plan: dict[str, Any] = stages.run("plan", planned)
    progress.note(announce(plan))
    return plan


def _measure(specs: tuple[NetSpec, ...], config: FitConfig, progress: Progress) -> list[dict[str, Any]]:
    found = measure_specs(specs, config.target, progress=progress)
    return [Measured(spec=spec, latency=ms).to_json() for spec, ms in zip(specs, found, strict=True)]
