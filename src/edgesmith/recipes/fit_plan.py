"""What of a fit there is time and means for: pictures for each candidate, and for the winner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from edgesmith.core.progress import SILENT, Progress
from edgesmith.engine.speed import measure_speed
from edgesmith.recipes.contenders import Contenders
from edgesmith.recipes.effort import MAX_EPOCHS, TimePlan
from edgesmith.recipes.material import Material
from edgesmith.recipes.teacher import expert_for
from edgesmith.tasks.base import Task

_STEPS: Final = 8


def candidate_speeds(
    contenders: Contenders,
    material: Material,
    task: Task,
    *,
    teacher: str | None = None,
    progress: Progress = SILENT,
) -> dict[str, float]:
    """Pictures a second that each candidate trains at, by name.

    Args:
        contenders: Who.
        material: What they train on.
        task: Gives the loss.
        teacher: Whom they learn from beside the labels, if anybody.
        progress: Told of each.
    """
    speeds = {}
    with progress.stage("time training steps", len(contenders.specs), "nets") as stage:
        for spec in contenders.specs.values():
            net, rule = contenders.begin(spec)
            config = contenders.config(spec, MAX_EPOCHS * len(material.pictures))
            loader = material.loader(None, config, rule)
            expert = expert_for(teacher, material.dataset.classes, rule)
            speeds[spec.name] = measure_speed(
                net, task, loader, config, resolution=spec.resolution, steps=_STEPS, teacher=expert
            )
            stage.advance(detail=spec.name)
    return speeds


def plan_training(
    speeds: Mapping[str, float], time_plan: TimePlan, *, spent_s: float, num_pictures: int
) -> dict[str, Any]:
    """Pictures for the winner's training, whoever it will be, from the time that is left.

    Args:
        speeds: From `candidate_speeds`, with the teacher where there is one.
        time_plan: Of the fit.
        spent_s: What is over of it.
        num_pictures: Of train.

    Returns:
        ``race_s`` and ``train_s``, ``pictures`` by name, and ``forecast_s`` of the whole fit.
    """
    race_s = time_plan.race_s if len(speeds) > 1 else 0.0
    train_s = max(0.3 * time_plan.total_s, time_plan.total_s - spent_s - race_s - time_plan.finish_s)
    most = MAX_EPOCHS * num_pictures
    pictures = {name: min(most, round(speed * train_s)) for name, speed in speeds.items()}
    slowest = max(pictures[name] / speeds[name] for name in pictures)
    forecast = spent_s + race_s + slowest + time_plan.finish_s
    return {"race_s": race_s, "train_s": slowest, "pictures": pictures, "forecast_s": forecast}
