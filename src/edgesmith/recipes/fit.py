"""The main job: from a set of pictures, a device and a millisecond budget to a verified model file.

Candidates of the zoo are sorted out by cost and by measured latency; where there is time, a search finds more. They
race on a held-out part of train, the winner is trained on all of train, exported, and that file is scored and measured.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import harmonic_mean
from typing import Any

from edgesmith.arch.space.parts import Side
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import BudgetError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.sources import absolute_data
from edgesmith.recipes.candidates import Choice
from edgesmith.recipes.contenders import Contenders
from edgesmith.recipes.effort import TimePlan, announce, announce_all, plan_time
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_ending import Ending
from edgesmith.recipes.fit_int8 import with_int8
from edgesmith.recipes.fit_plan import candidate_speeds, plan_training
from edgesmith.recipes.fit_race import Runners
from edgesmith.recipes.fit_report import Course
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.int8_candidates import check_target, int8_of
from edgesmith.recipes.last_mile import REACH
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.models import CLASSIFICATION
from edgesmith.recipes.run_folder import STAGES_NAME, RunFolder, Stages, open_run
from edgesmith.recipes.search_result import Search
from edgesmith.recipes.search_stage import search_stage
from edgesmith.recipes.start import SCRATCH, Starts, default_recipe
from edgesmith.recipes.suppression_cost import with_suppression
from edgesmith.recipes.task_nets import shapes_of
from edgesmith.recipes.teacher import check_teacher
from edgesmith.recipes.train import named_recipe, task_of
from edgesmith.recipes.zoo_choice import choose_of_zoo
from edgesmith.search.candidates import NETS, resolutions_for
from edgesmith.search.limits import Limits
from edgesmith.tasks.base import Task


def fit(config: FitConfig, *, out: Path, overwrite: bool = False, progress: Progress = SILENT) -> FitResult:
    """Run the whole job in ``out``; started again with the same config it goes on where it was.

    Raises:
        UsageError: A value of the config is not one that we know.
        DataError: The pictures cannot be trained on.
        BudgetError: No candidate meets the budget.
        RunError: The folder is finished or of another run.
    """
    limits = config.limits()
    time_plan = plan_time(config.effort, config.time, search=config.search is not None)
    asked = named_recipe(config.recipe or SCRATCH, config.settings, spec=find(NETS[0]), seed=config.seed)
    check_target(config.target, adapt=config.adapt)
    settings = config.settings_of_run()
    material = open_material(config.data, seed=config.seed, cache_gb=asked.cache_gb, progress=progress)
    starts = Starts(config.weights, material=material, progress=progress)
    first = starts.of(find(NETS[0]))
    recipe = config.recipe or default_recipe(first, material.dataset.task)
    base = named_recipe(recipe, config.settings, spec=find(NETS[0]), seed=config.seed)
    if config.teacher is not None:
        check_teacher(config.teacher, material.dataset, first.rule(find(NETS[0])))
    folder = open_run(out, settings, overwrite=overwrite)
    if folder.resumed:
        progress.note(f"going on with {out}")
    progress.note(first.describe(material.dataset.classes))
    progress.note(announce_all(time_plan))
    return _Fit(config, limits, time_plan, task_of(material, base), starts, material, folder, progress).run()


class _Fit:
    """One fit: its stages in order, each kept in the run folder when it is done."""

    def __init__(
        self,
        config: FitConfig,
        limits: Limits,
        time_plan: TimePlan,
        task: Task,
        starts: Starts,
        material: Material,
        folder: RunFolder,
        progress: Progress,
    ) -> None:
        self.config, self.limits, self.time_plan, self.task = config, limits, time_plan, task
        self.budget_ms = limits.latency_ms
        # Where NetAdapt follows, contenders may be a little too slow.
        self.reach = replace(limits, latency_ms=limits.latency_ms * (REACH if config.adapt else 1.0))
        self.starts, self.material, self.folder, self.progress = starts, material, folder, progress
        self.stages = Stages(folder.path / STAGES_NAME)

    def run(self) -> FitResult:
        """All stages, int8 last."""
        result = with_suppression(self._float(), self.material, stages=self.stages, progress=self.progress)
        if self.config.int8 and not self.config.target.is_int8:
            count = len(self.material.pictures)
            result = with_int8(result, self.config, num_train=count, stages=self.stages, progress=self.progress)
        self.folder.finish(result.to_json())
        return result

    def _float(self) -> FitResult:
        """Choose, search, race, and what comes of the winner."""
        choice = self._choose()
        search = self._search(choice)
        self.contenders = Contenders(
            choice if self.config.zoo else replace(choice, fitting=()),
            search,
            self.starts,
            self.material,
            seed=self.config.seed,
            count=self.time_plan.num_candidates,
            recipe=self.config.recipe,
            settings=self.config.settings,
        )
        if not self.contenders.specs:
            raise BudgetError(f"nothing that the search found keeps {self.budget_ms:g} ms; raise --budget or --time")
        speeds, plan = self._plan()
        runners = Runners(
            self.contenders,
            self.material,
            self.task,
            seed=self.config.seed,
            int8=int8_of(self.config.target, progress=self.progress),
            stages=self.stages,
            folder=self.folder.path / "race",
            progress=self.progress,
        )
        race = runners.run(plan["race_s"], harmonic_mean(tuple(speeds.values())))
        course = Course(
            config=self.config,
            budget_ms=self.budget_ms,
            material=self.material,
            choice=choice,
            search=search,
            contenders=self.contenders.measured,
            race=race,
            stages=self.stages,
            plan=plan,
            forecast_s=self.time_plan.total_s,
        )
        ending = Ending(
            course,
            self.contenders,
            runners,
            self.task,
            self.time_plan,
            self.folder.path,
            progress=self.progress,
        )
        return ending.run()

    def _plan(self) -> tuple[dict[str, float], dict[str, Any]]:
        """Pictures a second of each contender without a teacher, and what there is time for."""
        timed = partial(candidate_speeds, self.contenders, self.material, self.task, progress=self.progress)
        speeds: dict[str, float] = self.stages.run("speeds", timed, forecast_s=20)
        taught, teacher = speeds, self.config.teacher
        if teacher is not None:
            taught = self.stages.run("speeds-taught", partial(timed, teacher=teacher), forecast_s=20)
        count, spent_s = len(self.material.pictures), self.stages.times()[1]
        planned = partial(plan_training, taught, self.time_plan, spent_s=spent_s, num_pictures=count)
        plan: dict[str, Any] = self.stages.run("plan", planned)
        self.progress.note(announce(plan))
        return speeds, plan

    def _choose(self) -> Choice:
        work = partial(
            choose_of_zoo,
            self.starts,
            dataset=self.material.dataset,
            resolutions=self._sides(),
            limits=self.reach,
            target=self.config.target,
            count=self.time_plan.num_candidates,
            progress=self.progress,
        )
        return Choice.from_json(self.stages.run("choose", lambda: work().to_json(), forecast_s=60))

    def _sides(self) -> tuple[Side, ...]:
        if self.config.resolution is not None:
            return (self.config.resolution,)
        if self.material.dataset.task == CLASSIFICATION:
            return resolutions_for(self.material.typical_side)
        return shapes_of(self.material)

    def _search(self, choice: Choice) -> Search | None:
        config = self.config
        if config.search is None:
            return None
        return search_stage(
            config.search,
            material=self.material,
            data=absolute_data(config.data),
            weights=config.weights,
            recipe=config.recipe or default_recipe(self.starts.of(choice.fitting[0].spec), self.material.dataset.task),
            settings=config.settings,
            seed=config.seed,
            limits=self.reach,
            target=config.target,
            seconds=self.time_plan.search_s,
            both_s=self.time_plan.total_s - self.time_plan.race_s - self.time_plan.finish_s,
            zoo=[each.spec for each in choice.fitting],
            resolutions=self._sides(),
            stages=self.stages,
            folder=self.folder.path,
            progress=self.progress,
        )
