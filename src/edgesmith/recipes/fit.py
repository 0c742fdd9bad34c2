"""The main job: from a set of pictures, a device and a millisecond budget to a verified model file.

Candidates of the zoo are sorted out by cost and by measured latency; where there is time, a search finds more. They
race on a held-out part of train, the winner is trained on all of train, exported, and that file is scored and measured.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import harmonic_mean
from typing import Any

from edgesmith.arch.space.parts import Side
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.samples import Sample
from edgesmith.data.sources import absolute_data
from edgesmith.deploy.bundle import Bundle, open_bundle
from edgesmith.devices.results import Latency, Measurement
from edgesmith.engine.train import TrainResult
from edgesmith.recipes.candidates import Choice
from edgesmith.recipes.contenders import Contenders
from edgesmith.recipes.effort import TimePlan, announce, plan_time
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_int8 import describe, int8_product, with_int8
from edgesmith.recipes.fit_plan import candidate_speeds, plan_training
from edgesmith.recipes.fit_race import Race, Runners
from edgesmith.recipes.fit_report import Course, Story, tell_narrowed, write_report
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.int8_candidates import check_target, int8_of
from edgesmith.recipes.last_mile import REACH, SHARE, adapted_result, hand_over, last_mile
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.measure import measure_for
from edgesmith.recipes.models import CLASSIFICATION, Model
from edgesmith.recipes.product import Score
from edgesmith.recipes.run_folder import BUNDLE_NAME, STAGES_NAME, RunFolder, Stages, open_run
from edgesmith.recipes.search_result import Search
from edgesmith.recipes.search_stage import search_stage
from edgesmith.recipes.start import SCRATCH, Starts, default_recipe
from edgesmith.recipes.task_nets import shapes_of
from edgesmith.recipes.train import finish, fit_weights, named_recipe, task_of
from edgesmith.recipes.zoo_choice import choose_of_zoo
from edgesmith.report import write
from edgesmith.report.page import PAGE_NAME
from edgesmith.report.saved import REPORT_NAME, load
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
    named_recipe(config.recipe or SCRATCH, config.settings, spec=find(NETS[0]), seed=config.seed)
    check_target(config.target, adapt=config.adapt)
    settings = config.settings_of_run()
    material = open_material(config.data, seed=config.seed, progress=progress)
    starts = Starts(config.weights, material=material, progress=progress)
    first = starts.of(find(NETS[0]))
    recipe = config.recipe or default_recipe(first, material.dataset.task)
    base = named_recipe(recipe, config.settings, spec=find(NETS[0]), seed=config.seed)
    folder = open_run(out, settings, overwrite=overwrite)
    if folder.resumed:
        progress.note(f"going on with {out}")
    progress.note(first.describe(material.dataset.classes))
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
        self.classes = material.dataset.classes
        self.stages = Stages(folder.path / STAGES_NAME)
        self.int8_told: dict[str, Any] | None = None

    def run(self) -> FitResult:
        """All stages, int8 last."""
        result = self._float()
        if self.config.int8 and not self.config.target.is_int8:
            count = len(self.material.pictures)
            result = with_int8(result, self.config, num_train=count, stages=self.stages, progress=self.progress)
        self.folder.finish(result.to_json())
        return result

    def _float(self) -> FitResult:
        """Choose, search, race, train, finish."""
        choice = self._choose()
        search = self._search(choice)
        self.contenders = Contenders(
            choice,
            search,
            self.starts,
            self.material,
            seed=self.config.seed,
            count=self.time_plan.num_candidates,
            recipe=self.config.recipe,
            settings=self.config.settings,
        )
        specs = self.contenders.specs
        timed = partial(candidate_speeds, self.contenders, self.material, self.task, progress=self.progress)
        speeds = self.stages.run("speeds", timed, forecast_s=20)
        count, spent_s = len(self.material.pictures), self.stages.times()[1]
        planned = partial(plan_training, speeds, self.time_plan, spent_s=spent_s, num_pictures=count)
        plan = self.stages.run("plan", planned)
        self.progress.note(announce(plan))
        race = self._race(speeds, plan)
        winner = specs[race.winner]
        if self.contenders.ms_of(winner) > self.budget_ms:
            return self._adapt(winner, self._course(choice, search, race, plan))
        result = self._train(winner, plan["pictures"][winner.name], plan["train_s"])
        score, latency, measurement = self._finish(winner, result)
        done = self._report(self._course(choice, search, race, plan), result, score, latency, measurement)
        told = self.int8_told
        return done if told is None else replace(done, int8=told, summary=(*done.summary, describe(told)))

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
            zoo=[each.spec for each in choice.fitting],
            resolutions=self._sides(),
            stages=self.stages,
            folder=self.folder.path,
            progress=self.progress,
        )

    def _race(self, speeds: Mapping[str, float], plan: Mapping[str, Any]) -> Race:
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
        return runners.run(plan["race_s"], harmonic_mean(speeds.values()))

    def _course(self, choice: Choice, search: Search | None, race: Race, plan: Mapping[str, Any]) -> Course:
        return Course(
            config=self.config,
            budget_ms=self.budget_ms,
            material=self.material,
            choice=choice,
            search=search,
            contenders=self.contenders.measured,
            race=race,
            stages=self.stages,
            plan=plan,
        )

    def _adapt(self, winner: NetSpec, course: Course) -> FitResult:
        """Train a winner that is too slow for a while, and let NetAdapt bring it onto the budget."""
        plan, home = course.plan, self.folder.path
        pictures = round(SHARE * plan["pictures"][winner.name])
        # NetAdapt's steps are judged by held-out pictures, which must be news to the network.
        rest, _ = self.material.parted(self.config.seed)
        result = self._train(winner, pictures, SHARE * plan["train_s"], samples=rest)
        _, wide = self._product(winner, result, home / "wide")
        left_s = self.time_plan.total_s - self.stages.times()[1]
        work = partial(
            last_mile, wide.folder, self.config, seconds=left_s, folder=home / "netadapt", progress=self.progress
        )
        found = self.stages.run("adapt", work, forecast_s=(1 - SHARE) * plan["train_s"])
        bundle = hand_over(Path(found["bundle"]), home / BUNDLE_NAME)
        write(tell_narrowed(course, load(home / "netadapt" / REPORT_NAME), bundle.folder), home / PAGE_NAME)
        return adapted_result(
            found,
            winner.name,
            bundle=bundle.folder,
            report=home / PAGE_NAME,
            forecast_s=plan["forecast_s"],
            actual_s=self.stages.times()[1],
            candidates=None if course.search is None else course.search.to_json(),
        )

    def _product(self, spec: NetSpec, result: TrainResult, folder: Path) -> tuple[Score, Bundle]:
        return finish(
            self._net,
            self.material,
            self.task,
            result,
            rule=self.contenders.rule(spec),
            folder=folder,
            seed=self.config.seed,
            progress=self.progress,
        )

    def _train(
        self, spec: NetSpec, pictures: int, forecast_s: float, *, samples: Sequence[Sample] | None = None
    ) -> TrainResult:
        self.progress.note(f"training {spec.name} on {pictures} pictures")
        net, rule = self.contenders.begin(spec)
        self._net = net
        config = self.contenders.config(spec, pictures)
        begun = time.monotonic()
        folder, progress = self.folder.path / "train", self.progress
        result = fit_weights(
            net, self.material, self.task, config, rule=rule, folder=folder, samples=samples, progress=progress
        )
        self.stages.note("train", forecast_s, max(result.seconds, time.monotonic() - begun))
        return result

    def _finish(self, spec: NetSpec, result: TrainResult) -> tuple[Score, Latency, Measurement]:
        begun = time.monotonic()
        score, bundle = self._product(spec, result, self.folder.path)
        if self.config.target.is_int8:
            count, stages = len(self.material.pictures), self.stages
            self.int8_told, score = int8_product(
                bundle, score, self.config, self.task, num_train=count, stages=stages, progress=self.progress
            )
            bundle = open_bundle(bundle.folder)
        model = Model(name=bundle.manifest.name, spec=spec, bundle=bundle)
        latency, measurement = measure_for(model, self.config.target, self.budget_ms, progress=self.progress)
        self.bundle = open_bundle(bundle.folder)
        self.stages.note("finish", self.time_plan.finish_s, time.monotonic() - begun)
        return score, latency, measurement

    def _report(
        self, course: Course, result: TrainResult, score: Score, latency: Latency, measurement: Measurement
    ) -> FitResult:
        story = Story(
            **vars(course), bundle=self.bundle, result=result, score=score, latency=latency, measurement=measurement
        )
        report = self.folder.path / PAGE_NAME
        return FitResult(
            bundle=self.bundle.folder,
            report=report,
            budget_ms=self.budget_ms,
            met=latency.high_ms <= self.budget_ms,
            latency=tuple(each.to_dict() for each in measurement.latency),
            metrics=score.metrics(),
            spec=self.bundle.manifest.spec,
            forecast_s=course.plan["forecast_s"],
            actual_s=self.stages.times()[1],
            summary=write_report(story, report),
            candidates=None if course.search is None else course.search.to_json(),
        )
