"""What stands before a walk: the seed and the narrowest net measured, blocks and training timed, time divided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from edgesmith.arch.spec import NetSpec
from edgesmith.core.caches import cache_folder
from edgesmith.core.config import to_dict
from edgesmith.core.errors import BudgetError
from edgesmith.core.progress import Progress
from edgesmith.core.units import format_duration
from edgesmith.devices.base import Device
from edgesmith.devices.blocks.files import maker_for
from edgesmith.devices.blocks.library import open_files
from edgesmith.devices.measure import Subject, measure
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.speed import measure_speed
from edgesmith.recipes.material import Material
from edgesmith.recipes.net_forms import deployed
from edgesmith.recipes.netadapt.config import Goal, NetAdaptConfig
from edgesmith.recipes.netadapt.ground import Ground
from edgesmith.recipes.netadapt.latency import learn_law
from edgesmith.recipes.netadapt.plan import LONG_SHARE, TUNE_SHARE, Costs, plan_steps, shares_from
from edgesmith.recipes.netadapt.products import PAIRED
from edgesmith.recipes.netadapt.report import STAGES
from edgesmith.recipes.netadapt.trial import short
from edgesmith.recipes.netadapt.walk import AIM
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.start import Start
from edgesmith.recipes.teacher import expert_for
from edgesmith.search.netadapt import narrowest, propose
from edgesmith.tasks.base import Task

_ACCEPT_S: Final = 14.0
_TRIAL_S: Final = 1.5
_FILE_S: Final = 1.5
_MEASURE_S: Final = 0.5
_LEAST_WALK: Final = 0.25


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The first stages of a run, before any training."""

    config: NetAdaptConfig
    base: TrainConfig
    start: Start
    spec: NetSpec
    device: Device
    stages: Stages
    material: Material
    task: Task
    progress: Progress

    def seed_ms(self) -> float:
        """Milliseconds of the seed, measured beside the narrowest net.

        Raises:
            BudgetError: Not even that one meets the budget; has its figure.
        """
        found = self.stages.run("seed", self._measure, forecast_s=20)
        budget_ms = Goal.parse(self.config.budget).limit_ms(found["ms"])
        if found["least_low_ms"] > budget_ms:
            raise BudgetError(
                f"{self.config.budget} on {self.device.name} is out of reach: {self.spec.name} takes "
                f"{found['ms']:.3g} ms, and {found['least_ms']:.3g} ms with every width at {self.config.multiple} "
                f"channels ({found['least_ms'] / found['ms']:.2f}x); raise --budget"
            )
        return float(found["ms"])

    def learn(self) -> dict[str, Any]:
        """The law of latencies, as JSON values."""
        law = learn_law(
            deployed(self.spec),
            self.device,
            cache=cache_folder(),
            maker=maker_for(self.device.format),
            multiple=self.config.multiple,
            progress=self.progress,
        )
        return law.to_json()

    def speeds(self) -> dict[str, float]:
        """Pictures a second in a long training, taught too if there is a teacher, and in a proposal's on one thread."""
        net, rule = self.start.begin(self.spec, self.material, seed=self.config.seed)
        speeds, teacher = {}, self.config.teacher
        kinds: dict[str, tuple[TrainConfig, str | None]] = {
            "long": (self.base, None),
            "trial": (short(self.base, self.base.batch_size), None),
        }
        kinds |= {"taught": (self.base, teacher)} if teacher is not None else {}
        for name, (config, text) in kinds.items():
            expert = expert_for(text, self.material.dataset.classes, rule)
            loader = self.material.loader(None, config, rule)
            speeds[name] = measure_speed(
                net, self.task, loader, config, resolution=self.spec.resolution, steps=6, teacher=expert
            )
        return speeds

    def _measure(self) -> dict[str, Any]:
        nets = tuple(map(deployed, (self.spec, narrowest(self.spec, step=self.config.multiple))))
        files = open_files(maker_for(self.device.format), cache_folder())
        files.make(nets, progress=self.progress)
        subjects = [
            Subject(name=name, files={self.device.format: files.path(net)})
            for name, net in zip(("seed", "narrowest"), nets, strict=True)
        ]
        seed, least = measure(subjects, [self.device], plan=PAIRED, progress=self.progress).latency
        return {"ms": seed.ms, "least_ms": least.ms, "least_low_ms": least.low_ms, "latency": seed.to_dict()}


def plan_run(ground: Ground, spec: NetSpec, speeds: Mapping[str, float], total_s: float) -> dict[str, Any]:
    """Pictures for the tuning, seconds for the walk and the long training, and what all of it will take."""
    config, batch_size = ground.config, ground.base.batch_size
    finish_s, tune_s, long_s = min(60.0, 0.15 * total_s), TUNE_SHARE * total_s, LONG_SHARE * total_s
    costs = Costs(
        pictures_per_s=speeds["trial"],
        trial_s=_TRIAL_S,
        accept_s=_ACCEPT_S,
        slots=ground.executor.slots,
        file_s=_FILE_S,
        measure_s=_MEASURE_S,
    )
    begun_s = spent_s(ground.stages)
    walk_s = max(_LEAST_WALK * total_s, total_s - begun_s - finish_s - tune_s - long_s)
    first = config.schedule_with(config.delta).share
    proposals = propose(spec, ground.law.predict, limit_ms=ground.seed_ms * (1 - first), step=config.multiple)
    steps = plan_steps(
        costs,
        cut=max(0.0, 1 - AIM * ground.budget_ms / ground.seed_ms),
        seconds=walk_s,
        num_proposals=max(1, len(proposals)),
        batch_size=batch_size,
        most_pictures=ground.epoch,
        shares=shares_from(first, fixed=config.delta is not None),
        pictures=config.steps_pictures,
    )
    return {
        "taught_pace": speeds.get("taught", speeds["long"]) / speeds["long"],
        "tune_pictures": max(batch_size, round(speeds["long"] * tune_s)),
        "tune_s": tune_s,
        "walk_s": walk_s,
        "long_s": long_s,
        "finish_s": finish_s,
        "costs": to_dict(costs),
        "steps": to_dict(steps),
        "num_proposals": len(proposals),
        "forecast_s": max(total_s, begun_s + tune_s + steps.seconds + 0.5 * long_s + finish_s),
    }


def forecast_line(plan: Mapping[str, Any], ground: Ground) -> str:
    """For people, before the first training."""
    steps = plan["steps"]
    return (
        f"forecast: {format_duration(plan['forecast_s'])} in all; from {ground.seed_ms:.3f} to "
        f"{ground.budget_ms:.3f} ms in about {steps['num_steps']} steps of {steps['share']:.1%} or more, each with "
        f"{plan['num_proposals']} proposals on {steps['pictures']} pictures, "
        + ("all of them measured" if steps["measured"] else "of which there is time to measure the best alone")
    )


def spent_s(stages: Stages) -> float:
    """Seconds of all stages so far, those of earlier processes included."""
    return sum(stages.times(prefix)[1] for prefix in STAGES)
