"""The training of a net's weights within a run: what is held out, and what to do where it diverges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from edgesmith.core.errors import RunError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.samples import Sample
from edgesmith.deploy.quantize.training import FakeQuantNet
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.health import DivergedError
from edgesmith.engine.teacher import Teacher
from edgesmith.engine.train import TrainResult, train
from edgesmith.nn.build import Net
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.material import Material
from edgesmith.tasks.base import Task

Trainable = Net | FakeQuantNet
_EVALUATIONS: Final = 20  # on the way, where the best is wanted and nobody says how often


def fit_held_out(
    net: Trainable,
    material: Material,
    task: Task,
    config: TrainConfig,
    *,
    rule: Preprocessing,
    folder: Path,
    teacher: Teacher | None = None,
    progress: Progress = SILENT,
) -> TrainResult:
    """As `fit_weights`, on all of train, or on nine tenths where the config wants evaluations on the way.

    Raises:
        RunError: The loss stayed without a finite value; the same folder may go on with a setting that mends it.
    """
    if config.use == "best" and config.evaluate_every_pictures is None:
        config = replace(config, evaluate_every_pictures=max(1, config.pictures // _EVALUATIONS))
    rest, held = material.dataset.hold_out(0.1, seed=config.seed) if config.evaluate_every_pictures else (None, None)
    try:
        return fit_weights(
            net,
            material,
            task,
            config,
            rule=rule,
            folder=folder,
            samples=rest,
            held=held,
            teacher=teacher,
            progress=progress,
        )
    except DivergedError as error:
        way_on = " and --overwrite" if error.kept_step is None else ", with which the same command goes on from there"
        raise RunError(f"{error}{way_on}") from error


def fit_weights(
    net: Trainable,
    material: Material,
    task: Task,
    config: TrainConfig,
    *,
    rule: Preprocessing,
    folder: Path,
    samples: Sequence[Sample] | None = None,
    held: Sequence[Sample] | None = None,
    teacher: Teacher | None = None,
    progress: Progress = SILENT,
) -> TrainResult:
    """Train ``net`` in place on some samples of train, scored on held-out ones for the curves."""
    crops = None if held is None else material.crops(held, rule)
    return train(
        net,
        task,
        material.loader(samples, config, rule),
        config,
        spec=net.spec.to_json(),
        resolution=net.spec.resolution,
        folder=folder,
        held_out=None if crops is None else lambda: batches_of(crops),
        teacher=teacher,
        progress=progress,
    )
