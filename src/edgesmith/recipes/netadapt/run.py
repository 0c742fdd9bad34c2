"""A whole run: the seed tuned and measured, step by step down to the budget, trained for long, exported, measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from edgesmith.arch.edits.widths import widths_of
from edgesmith.arch.spec import NetSpec
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.sources import absolute_data
from edgesmith.deploy.bundle import open_bundle
from edgesmith.devices.base import Device
from edgesmith.devices.table import get_device
from edgesmith.engine.config import TrainConfig
from edgesmith.recipes.effort import plan_time
from edgesmith.recipes.fit_weights import fit_weights
from edgesmith.recipes.models import resolve
from edgesmith.recipes.netadapt.config import Goal, NetAdaptConfig
from edgesmith.recipes.netadapt.ending import Ending
from edgesmith.recipes.netadapt.ground import Ground, Place
from edgesmith.recipes.netadapt.latency import LatencyLaw
from edgesmith.recipes.netadapt.opening import Opening, forecast_line, plan_run, spent_s
from edgesmith.recipes.netadapt.plan import Costs
from edgesmith.recipes.netadapt.products import step_bundle
from edgesmith.recipes.netadapt.result import NetAdaptResult
from edgesmith.recipes.netadapt.trial import open_set
from edgesmith.recipes.netadapt.walk import Walk
from edgesmith.recipes.remarks import say_left_out, say_of_set
from edgesmith.recipes.run_folder import STAGES_NAME, RunFolder, Stages, open_run
from edgesmith.recipes.start import SCRATCH, Start, default_recipe, open_start
from edgesmith.recipes.task_nets import net_for, sized_for
from edgesmith.recipes.teacher import check_teacher
from edgesmith.recipes.train import named_recipe, task_of
from edgesmith.search.executors.base import Executor
from edgesmith.search.executors.here import Here
from edgesmith.tasks.figures import figure_for


def netadapt(
    config: NetAdaptConfig,
    *,
    out: Path,
    overwrite: bool = False,
    executor: Executor | None = None,
    device: Device | None = None,
    progress: Progress = SILENT,
) -> NetAdaptResult:
    """Run the whole job in ``out``; started again with the same config it goes on where it was.

    Args:
        config: What is asked.
        out: The run folder.
        overwrite: Throw away what an earlier run left there.
        executor: Where proposals are tried; None tries them one after the other in this process.
        device: Where latency is measured; None takes the config's.
        progress: Told of each stage.

    Raises:
        UsageError: A value of the config is not one that we know, or the network has no width to narrow.
        DataError: The pictures cannot be trained on.
        BudgetError: Not even the narrowest net meets the budget; said before any training.
        RunError: The folder is finished or of another run.
    """
    total_s = plan_time(config.effort, config.time).total_s
    found = device or get_device(config.device)
    model = resolve(config.model)
    spec = model.spec_at(config.resolution)
    asked = named_recipe(config.recipe or SCRATCH, config.settings, spec=spec, seed=config.seed)
    data = absolute_data(config.data)
    material = open_set(data, config.seed, asked.cache_gb)
    say_of_set(material.dataset, progress)
    say_left_out(material.pictures.problems, progress)
    start = open_start(config.weights, spec, model=model, progress=progress).unfolded(material)
    spec = start.spec(net_for(spec, material.dataset))
    if config.resolution is None and not model.is_sized:
        spec = sized_for(spec, material)
    if not widths_of(spec):
        raise UsageError(f"{spec.name} has no expansion or bottleneck that could be narrowed; try mobilenet_v3_small")
    recipe = config.recipe or default_recipe(start, material.dataset.task)
    base = named_recipe(recipe, config.settings, spec=spec, seed=config.seed)
    if config.teacher is not None:
        check_teacher(config.teacher, material.dataset, start.rule(spec))
    settings = to_dict(config) | {"verb": "netadapt", "data": data}
    folder = open_run(out, settings, overwrite=overwrite)
    progress.note(f"going on with {out}" if folder.resumed else start.describe(material.dataset.classes))
    return _Run(config, base, start, spec, found, executor or Here(), folder, total_s, progress).run()


class _Run:
    """One run: its stages in order, each kept in the run folder when it is done."""

    def __init__(
        self,
        config: NetAdaptConfig,
        base: TrainConfig,
        start: Start,
        spec: NetSpec,
        device: Device,
        executor: Executor,
        folder: RunFolder,
        total_s: float,
        progress: Progress,
    ) -> None:
        self.config, self.base, self.start, self.spec, self.device = config, base, start, spec, device
        self.executor, self.folder, self.total_s, self.progress = executor, folder, total_s, progress
        self.material = open_set(absolute_data(config.data), config.seed, base.cache_gb)
        self.task, self.rule = task_of(self.material, base, spec), start.rule(spec)
        self.stages = Stages(folder.path / STAGES_NAME)
        self.goal = Goal.parse(config.budget)

    def run(self) -> NetAdaptResult:
        """Refuse, learn, plan, tune, walk, train, finish."""
        opening = Opening(
            config=self.config,
            base=self.base,
            start=self.start,
            spec=self.spec,
            device=self.device,
            stages=self.stages,
            material=self.material,
            task=self.task,
            progress=self.progress,
        )
        seed_ms = opening.seed_ms()
        law = LatencyLaw.from_json(self.stages.run("law", opening.learn, forecast_s=90))
        self.progress.note(f"latency of proposals: {law.origin}")
        ground = Ground(
            config=self.config,
            base=self.base,
            material=self.material,
            task=self.task,
            rule=self.rule,
            device=self.device,
            law=law.anchored(self.spec, seed_ms),
            seed_ms=seed_ms,
            budget_ms=self.goal.limit_ms(seed_ms),
            executor=self.executor,
            folder=self.folder.path,
            stages=self.stages,
            progress=self.progress,
        )
        speeds = self.stages.run("speed", opening.speeds, forecast_s=20)
        plan = self.stages.run("plan", lambda: plan_run(ground, self.spec, speeds, self.total_s))
        self.progress.note(forecast_line(plan, ground))
        first = self._tune(ground, plan["tune_pictures"], plan["tune_s"])
        kept_s = plan["long_s"] + plan["finish_s"]
        thought_s, took_s = self.stages.times("tune")
        costs = from_dict(Costs, plan["costs"]).slower(max(1.0, took_s / max(thought_s, 1e-6)))
        walk = Walk(ground, costs, lambda: self.total_s - kept_s - spent_s(self.stages))
        last = walk.run(first)
        ending = Ending(ground, plan, walk.rows, walk.places, self.folder, self.total_s)
        return ending.run(last)

    def _tune(self, ground: Ground, pictures: int, forecast_s: float) -> Place:
        """Train the head, then all of it, on what is not held out: only then accuracies mean something."""
        folder = self.folder.path / "steps" / "00"

        def work() -> dict[str, Any]:
            self.progress.note(f"tuning {self.spec.name} on {pictures} pictures")
            net, rule = self.start.begin(self.spec, self.material, seed=self.config.seed)
            rest, _ = self.material.parted(self.config.seed)
            config = replace(
                self.base, pictures=pictures, frozen_pictures=min(self.base.frozen_pictures, pictures // 3)
            )
            fit_weights(
                net,
                self.material,
                self.task,
                config,
                rule=rule,
                folder=self.folder.path / "tune",
                samples=rest,
                progress=self.progress,
            )
            facts = {"step": 0, "change": "none"}
            return step_bundle(net.eval(), ground, folder, name="step00", facts=facts)[1]

        found = self.stages.run("tune", work, forecast_s=forecast_s)
        self.progress.note(
            f"tuned: {figure_for(self.task.name).label} {found['accuracy']:.1%} on the held-out pictures"
        )
        return Place(
            spec=self.spec,
            ms=ground.seed_ms,
            high_ms=ground.seed_ms,
            accuracy=found["accuracy"],
            interval=tuple(found["interval"]),
            bundle=open_bundle(folder / "bundle"),
        )
