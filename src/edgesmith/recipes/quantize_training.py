"""Training for int8: a bundle's weights learn to bear rounding, and every runtime's own tool then quantizes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic as clock
from types import MappingProxyType
from typing import Any, Final

import torch

from edgesmith.core.config import to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.units import parse_seconds
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.sources import absolute_data
from edgesmith.deploy.base import split_kind
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.quantize.base import QuantPlan
from edgesmith.deploy.quantize.ends import float_ends
from edgesmith.deploy.quantize.training import FakeQuantNet
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.evaluate import eager, evaluate
from edgesmith.nn.build import Net
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.effort import FINISH_S, PROMISED
from edgesmith.recipes.fit_weights import fit_held_out
from edgesmith.recipes.going_on import free_settings
from edgesmith.recipes.int8_wishes import Wishes
from edgesmith.recipes.labels import require_task, same_order
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.models import Model
from edgesmith.recipes.quantize import CALIBRATION, NO_WISHES, check_request, quantize_model
from edgesmith.recipes.run_folder import STAGES_NAME, Stages, open_run
from edgesmith.recipes.start import Start, open_start
from edgesmith.recipes.task_nets import net_for
from edgesmith.recipes.train import (
    affordable_pictures,
    finish,
    named_recipe,
    task_of,
)
from edgesmith.tasks.base import Task

# By task.
_RECIPES: Final[Mapping[str, str]] = MappingProxyType(
    {"classification": "quantize", "segmentation": "dense_quantize", "detection": "boxes_quantize"}
)
_RANGE_PICTURES: Final = 256


@dataclass(frozen=True, kw_only=True)
class Training:
    """What ``--train`` is asked for.

    Attributes:
        out: The run folder.
        settings: ``key=value`` settings of the recipe.
        time: Limit of time of the training, such as ``20m``, in place of the recipe's number of pictures.
        overwrite: Throw away what an earlier run left in ``out``.
    """

    out: Path
    settings: Sequence[str] = ()
    time: str | None = None
    overwrite: bool = False


def train_and_quantize(
    model: Model,
    data: str,
    devices: str,
    *,
    training: Training,
    calibration: int = CALIBRATION,
    ranges: str = "minmax",
    mixed: bool = True,
    keep_slow: bool = False,
    wishes: Wishes = NO_WISHES,
    seed: int = 0,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``edgesmith quantize --train --json`` prints; started again on the same folder it goes on.

    The bundle given stays as it is: trained weights make a bundle of their own, in the run folder, and its int8 files
    are made as for any other.

    Args:
        model: A bundle or a run folder.
        data: As DATA of the command line, with classes that the model knows.
        devices: As of `edgesmith.recipes.quantize.quantize_model`, and so are all that follow ``training``.
        training: The training itself.
        calibration: Pictures that set ranges and choose the plan.
        ranges: How ranges are found.
        mixed: Whether parts may stay in float.
        keep_slow: Put a file into the bundle even if it is not faster than the float file.
        wishes: What else is asked of the files.
        seed: Decides splits, order, augmentation and calibration.
        progress: Told of each stage.

    Raises:
        UsageError: There are no weights, a setting cannot be, or the set has other classes.
        RunError: The folder is of another run, or finished.
    """
    begun = clock()
    bundle = model.require_bundle()
    chosen, method = check_request(devices, ranges)
    for device in chosen:
        wishes.plan(split_kind(device.format)[0], method)  # what no tool can do is told before any work
    config = _checked_recipe(bundle, training, seed=seed)
    limit_s = None if training.time is None else parse_seconds(training.time)
    material = open_material(data, seed=seed, cache_gb=config.cache_gb, progress=progress)
    require_task(bundle.manifest, material.dataset, data)
    start = _start(bundle, material, data, progress=progress)
    settings: dict[str, Any] = {"verb": "quantize", "model": str(bundle.folder.absolute()), "config": to_dict(config)}
    settings |= {"data": absolute_data(data), "time": training.time, "devices": devices}
    settings |= {"calibration": calibration, "ranges": ranges, "mixed": mixed, "keep_slow": keep_slow}
    settings |= {"wishes": to_dict(wishes)}
    folder = open_run(training.out, settings, overwrite=training.overwrite, free=free_settings(training.out))
    trained, told = _train(
        bundle,
        start,
        material,
        config,
        folder=folder.path,
        until=None if limit_s is None else begun + PROMISED * limit_s - FINISH_S,
        progress=progress,
    )
    found = quantize_model(
        Model(name=trained.manifest.name, spec=trained.manifest.spec, bundle=trained),
        data,
        devices,
        calibration=calibration,
        ranges=ranges,
        mixed=mixed,
        keep_slow=keep_slow,
        wishes=wishes,
        seed=seed,
        progress=progress,
    )
    found["training"] = told
    folder.finish(found)
    return found


def _train(
    bundle: Bundle,
    start: Start,
    material: Material,
    config: TrainConfig,
    *,
    folder: Path,
    until: float | None,
    progress: Progress,
) -> tuple[Bundle, dict[str, Any]]:
    """The bundle of the trained weights, and what is told of the training; ``until`` is the clock's at its end."""
    spec = start.spec(net_for(bundle.manifest.spec, material.dataset))
    task = task_of(material, config, spec)
    net, rule = start.begin(spec, material, seed=config.seed)
    before = _score(net, material, task, rule)
    with progress.stage("prepare for rounding"):
        rounded = FakeQuantNet(net, _range_batches(material, rule), plan=QuantPlan(float_parts=float_ends(spec)))
    if until is not None:
        affordable = partial(affordable_pictures, rounded, material, task, config, rule, until - clock())
        config = replace(config, pictures=Stages(folder / STAGES_NAME).run("pictures", affordable))
        progress.note(f"{config.pictures} pictures are what the time is worth")
    result = fit_held_out(rounded, material, task, config, rule=rule, folder=folder, progress=progress)
    net.load_state_dict(rounded.float_state())
    facts = {"trained_for_int8_from": bundle.manifest.name, **_licences(bundle)}
    score, trained = finish(
        net.eval(),
        material,
        task,
        result,
        rule=rule,
        folder=folder,
        seed=config.seed,
        more=facts,
        progress=progress,
    )
    return trained, {
        "bundle": str(trained.folder),
        "pictures": result.pictures,
        "seconds": result.seconds,
        "metrics": score.metrics(),
        f"{task.score_name}_before": before,
    }


def _checked_recipe(bundle: Bundle, training: Training, *, seed: int) -> TrainConfig:
    """The recipe with its settings; what a traced net cannot do is refused."""
    config = named_recipe(_RECIPES[bundle.manifest.task], training.settings, spec=bundle.manifest.spec, seed=seed)
    if any(share != 1 for share in config.resolution_steps):
        raise UsageError(
            f"training for int8 keeps the net's own resolution: resolution_steps must be 1.0, got "
            f"{','.join(f'{share:g}' for share in config.resolution_steps)}"
        )
    if config.precision != "32":
        raise UsageError(f"training for int8 rounds in full precision: precision must be 32, got {config.precision}")
    return config


def _start(bundle: Bundle, material: Material, data: str, *, progress: Progress) -> Start:
    """The bundle's weights under the set's names of their classes.

    Raises:
        UsageError: The set has classes that the model does not know.
    """
    start = open_start(str(bundle.folder), None)
    assert start.origin is not None, "a bundle has weights"
    wanted, known = material.dataset.classes, start.origin.classes
    if same_order(wanted, known):
        return Start(origin=replace(start.origin, classes=wanted))
    foreign = [name for name in wanted if name not in known]
    if foreign:
        raise UsageError(
            f"{bundle.manifest.name} does not know {len(foreign)} of the {len(wanted)} classes of {data}, the first is "
            f"{foreign[0]!r}; train it on them first: edgesmith train {bundle.folder} {data}"
        )
    if len(wanted) < len(known):
        progress.note(f"the set has {len(wanted)} of the model's {len(known)} classes; the trained net knows these")
    return start


def _range_batches(material: Material, rule: Preprocessing) -> list[torch.Tensor]:
    samples = material.dataset.samples("train")
    crops = material.crops(samples[:: -(-len(samples) // _RANGE_PICTURES)], rule)
    return [torch.from_numpy(batch.images) for batch in batches_of(crops)]


def _score(net: Net, material: Material, task: Task, rule: Preprocessing) -> float:
    """The float net's before any training, on the evaluation split."""
    crops = material.crops(material.dataset.samples(material.dataset.evaluation_split()), rule)
    return float(evaluate(eager(net), batches_of(crops), task).metrics[task.score_name])


def _licences(bundle: Bundle) -> dict[str, Any]:
    return {name: value for name, value in bundle.manifest.provenance.items() if name.endswith("licence")}
