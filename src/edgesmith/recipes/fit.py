"""The main job: from a set of pictures, a device and a millisecond budget to a verified model file.

Candidates of the zoo are sorted out by cost and by measured latency, the rest race on a held-out part of train, the
winner is trained on all of train, exported, and that file is scored and measured.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import harmonic_mean
from typing import Any, Final

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.config import to_dict
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.units import format_duration, parse_milliseconds
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import open_bundle
from edgesmith.devices.plan import QUICK, Plan
from edgesmith.devices.results import Measurement
from edgesmith.devices.table import get_device
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.speed import measure_speed
from edgesmith.engine.train import TrainResult
from edgesmith.nn.build import Net
from edgesmith.recipes.candidates import Choice, choose
from edgesmith.recipes.effort import TimePlan, plan_time
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_report import Story, write_report
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.material import HELD_FRACTION, Material, open_material
from edgesmith.recipes.measure import measure_models
from edgesmith.recipes.models import Model
from edgesmith.recipes.product import Score
from edgesmith.recipes.run_folder import RunFolder, Stages, open_run
from edgesmith.recipes.start import SCRATCH, Starts, default_recipe
from edgesmith.recipes.train import finish, fit_weights, named_recipe, task_of
from edgesmith.search.candidates import NETS, resolutions_for, variants, zoo_grid
from edgesmith.search.race import Rung, Standing, plan_rungs, race
from edgesmith.tasks.base import Task

MAX_EPOCHS: Final = 300
# For a second look at a file that was measured on a busy machine.
_LONG: Final = Plan(limit_s=60.0, min_loads=20, enough_loads=20)


def fit(config: FitConfig, *, out: Path, overwrite: bool = False, progress: Progress = SILENT) -> FitResult:
    """Run the whole job in ``out``; started again with the same config it goes on where it was.

    Raises:
        UsageError: A value of the config is not one that we know.
        DataError: The pictures cannot be trained on.
        BudgetError: No candidate meets the budget.
        RunError: The folder is finished or of another run.
    """
    budget_ms = parse_milliseconds(config.budget)
    time_plan = plan_time(config.effort, config.time)
    named_recipe(config.recipe or SCRATCH, config.settings, spec=find(NETS[0]), seed=config.seed)
    get_device(config.device)
    settings = to_dict(config) | {"verb": "fit", "data": str(Path(config.data).expanduser().absolute())}
    material = open_material(config.data, seed=config.seed, progress=progress)
    starts = Starts(config.weights, progress=progress)
    first = starts.of(find(NETS[0]))
    net = find(NETS[0]) if starts.origin is None else starts.origin.spec
    base = named_recipe(config.recipe or default_recipe(first), config.settings, spec=net, seed=config.seed)
    folder = open_run(out, settings, overwrite=overwrite)
    if folder.resumed:
        progress.note(f"going on with {out}")
    progress.note(first.describe(material.dataset.classes))
    return _Fit(config, budget_ms, time_plan, base, starts, material, folder, progress).run()


class _Fit:
    """One fit: its stages in order, each kept in the run folder when it is done."""

    def __init__(
        self,
        config: FitConfig,
        budget_ms: float,
        time_plan: TimePlan,
        base: TrainConfig,
        starts: Starts,
        material: Material,
        folder: RunFolder,
        progress: Progress,
    ) -> None:
        self.config, self.budget_ms, self.time_plan, self.base = config, budget_ms, time_plan, base
        self.starts, self.material, self.folder, self.progress = starts, material, folder, progress
        self.classes = material.dataset.classes
        self.stages = Stages(folder.path / "stages")
        self.task: Task = task_of(material, base)
        self.raced_pictures: dict[str, int] = {}

    def run(self) -> FitResult:
        """Choose, race, train, finish."""
        choice = self._choose()
        speeds = self.stages.run("speeds", lambda: self._speeds(choice), forecast_s=20)
        specs = {each.spec.name: each.spec for each in choice.fitting}
        plan = self.stages.run("plan", lambda: self._plan(choice, speeds))
        self._announce(plan)
        winner, standings = self._race(choice, speeds, plan)
        result = self._train(specs[winner], plan["pictures"][winner], plan["train_s"])
        score, measurement = self._finish(specs[winner], result)
        return self._report(choice, winner, standings, result, score, measurement, plan)

    def _choose(self) -> Choice:
        config = self.config
        sides = resolutions_for(self.material.typical_side) if config.resolution is None else (config.resolution,)

        def work() -> dict[str, Any]:
            origin = self.starts.origin
            grid = zoo_grid(len(self.classes), resolutions=sides)
            if origin is not None:
                grid = variants(origin.spec.with_num_classes(len(self.classes)), resolutions=sides)
            grid = tuple(self.starts.of(spec).spec(spec) for spec in grid)
            choice = choose(
                grid,
                budget_ms=self.budget_ms,
                device=config.device,
                count=self.time_plan.num_candidates,
                plan=QUICK,
                progress=self.progress,
            )
            return choice.to_json()

        return Choice.from_json(self.stages.run("choose", work, forecast_s=60))

    def _speeds(self, choice: Choice) -> dict[str, float]:
        """Pictures a second that each candidate trains at, by name."""
        speeds = {}
        with self.progress.stage("time training steps", len(choice.fitting), "nets") as stage:
            for each in choice.fitting:
                net, rule = self._begin(each.spec)
                loader = self.material.loader(None, self.base, rule)
                speeds[each.spec.name] = measure_speed(
                    net, self.task, loader, self.base, resolution=each.spec.resolution, steps=8
                )
                stage.advance(detail=each.spec.name)
        return speeds

    def _plan(self, choice: Choice, speeds: Mapping[str, float]) -> dict[str, Any]:
        """Pictures for the winner's training, whoever it will be, from the time that is left."""
        spent = self.stages.times()[1]
        race_s = self.time_plan.race_s if len(choice.fitting) > 1 else 0.0
        train_s = max(0.3 * self.time_plan.total_s, self.time_plan.total_s - spent - race_s - self.time_plan.finish_s)
        most = MAX_EPOCHS * len(self.material.pictures)
        pictures = {name: min(most, round(speed * train_s)) for name, speed in speeds.items()}
        slowest = max(pictures[name] / speeds[name] for name in pictures)
        forecast = spent + race_s + slowest + self.time_plan.finish_s
        return {"race_s": race_s, "train_s": slowest, "pictures": pictures, "forecast_s": forecast}

    def _announce(self, plan: Mapping[str, Any]) -> None:
        self.progress.note(
            f"forecast: {format_duration(plan['forecast_s'])} in all, {format_duration(plan['race_s'])} for the race "
            f"and {format_duration(plan['train_s'])} for the winner's training"
        )

    def _race(
        self, choice: Choice, speeds: Mapping[str, float], plan: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Standing]]:
        specs = {each.spec.name: each.spec for each in choice.fitting}
        rungs = plan_rungs(len(specs), plan["race_s"])
        # Equal pictures, not equal times: in a short race the smallest net would win by its early start.
        rest, held = self.material.dataset.hold_out(HELD_FRACTION, seed=self.config.seed)

        def evaluate(name: str, number: int, rung: Rung) -> float:
            def work() -> dict[str, float]:
                pictures = max(2 * self.base.batch_size, round(harmonic_mean(speeds.values()) * rung.seconds))
                short = replace(self.base, pictures=pictures)
                self.progress.note(f"race, round {number + 1}: {name} on {pictures} pictures")
                folder = self.folder.path / "race" / f"{number}-{model_hash(specs[name])}"
                net, rule = self._begin(specs[name])
                result = fit_weights(
                    net,
                    self.material,
                    self.task,
                    short,
                    rule=rule,
                    folder=folder,
                    samples=rest,
                    held=held,
                    progress=self.progress,
                )
                assert result.evaluation is not None, "a race scores on held-out pictures"
                score = float(result.evaluation.metrics[self.task.score_name])
                return {"score": score, "pictures": result.pictures}

            stage = f"race-{number}-{model_hash(specs[name])}"
            done = self.stages.run(stage, work, forecast_s=rung.seconds)
            self.raced_pictures[name] = int(done["pictures"])
            return float(done["score"])

        return race(list(specs), rungs, evaluate)

    def _train(self, spec: NetSpec, pictures: int, forecast_s: float) -> TrainResult:
        self.progress.note(f"training {spec.name} on {pictures} pictures")
        net, rule = self._begin(spec)
        self._net = net
        config = replace(self.base, pictures=pictures)
        begun = time.monotonic()
        result = fit_weights(
            net, self.material, self.task, config, rule=rule, folder=self.folder.path / "train", progress=self.progress
        )
        self.stages.note("train", forecast_s, max(result.seconds, time.monotonic() - begun))
        return result

    def _begin(self, spec: NetSpec) -> tuple[Net, Preprocessing]:
        """A candidate's net with its first weights, and its preprocessing."""
        return self.starts.of(spec).begin(spec, self.material, seed=self.config.seed)

    def _finish(self, spec: NetSpec, result: TrainResult) -> tuple[Score, Measurement]:
        begun = time.monotonic()
        score, bundle = finish(
            self._net,
            self.material,
            self.task,
            result,
            rule=self.starts.of(spec).rule(spec),
            folder=self.folder.path,
            seed=self.config.seed,
            progress=self.progress,
        )
        model = Model(name=bundle.manifest.name, spec=spec, bundle=bundle)
        measurement = measure_models([model], self.config.device, progress=self.progress)
        if measurement.latency[0].contended and measurement.latency[0].high_ms > self.budget_ms:
            self.progress.note("the machine was busy and the budget was just missed: measuring once more, for longer")
            measurement = measure_models([model], self.config.device, plan=_LONG, progress=self.progress)
        self.bundle = open_bundle(bundle.folder)
        self.stages.note("finish", self.time_plan.finish_s, time.monotonic() - begun)
        return score, measurement

    def _report(
        self,
        choice: Choice,
        winner: str,
        standings: Mapping[str, Standing],
        result: TrainResult,
        score: Score,
        measurement: Measurement,
        plan: Mapping[str, Any],
    ) -> FitResult:
        latency = measurement.latency[0]
        actual_s = self.stages.times()[1]
        story = Story(
            config=self.config,
            budget_ms=self.budget_ms,
            material=self.material,
            bundle=self.bundle,
            choice=choice,
            winner=winner,
            standings=standings,
            raced_pictures=self.raced_pictures,
            num_held=len(self.material.dataset.hold_out(HELD_FRACTION, seed=self.config.seed)[1]),
            result=result,
            score=score,
            measurement=measurement,
            stages=self.stages,
            folder=self.folder.path,
        )
        path = self.folder.path / "report.html"
        summary = write_report(story, path)
        done = FitResult(
            bundle=self.bundle.folder,
            report=path,
            budget_ms=self.budget_ms,
            met=latency.high_ms <= self.budget_ms,
            latency=tuple(each.to_dict() for each in measurement.latency),
            metrics=score.metrics(),
            spec=self.bundle.manifest.spec,
            forecast_s=plan["forecast_s"],
            actual_s=actual_s,
            summary=summary,
        )
        self.folder.finish(done.to_json())
        return done
