"""Train one net on one set, from scratch or from somebody's weights, to a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic as clock
from typing import Any

from edgesmith.arch.heads.ssdlite import SsdLite
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.config import override, to_dict
from edgesmith.core.errors import RunError, UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.table import lookup
from edgesmith.core.units import parse_seconds
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.sources import absolute_data
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.formats import ONNX
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.speed import measure_speed
from edgesmith.engine.teacher import Teacher
from edgesmith.engine.train import TrainResult
from edgesmith.engine.world import find_world
from edgesmith.nn.build import Net
from edgesmith.recipes.condensing import condense_checked
from edgesmith.recipes.effort import FINISH_S, PROMISED
from edgesmith.recipes.fit_weights import Trainable, fit_held_out
from edgesmith.recipes.going_on import free_settings
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.model_files import MAIN_STEM, export_checked
from edgesmith.recipes.models import Model
from edgesmith.recipes.net_forms import as_deployed
from edgesmith.recipes.parity_pictures import first_crops
from edgesmith.recipes.product import Score, make_bundle, score_file
from edgesmith.recipes.remarks import say_left_out
from edgesmith.recipes.run_folder import BUNDLE_NAME, STAGES_NAME, RunFolder, Stages, open_run
from edgesmith.recipes.start import AUTO, SCRATCH, default_recipe, open_start
from edgesmith.recipes.task_nets import net_for, sized_for
from edgesmith.recipes.teacher import open_teacher
from edgesmith.recipes.training import RECIPES, for_net
from edgesmith.runtimes.table import runtime_for
from edgesmith.tasks import table as tasks
from edgesmith.tasks.base import LossOptions, Task


@dataclass(frozen=True, kw_only=True)
class TrainOutcome:
    """What `train_model` leaves behind.

    Attributes:
        bundle: The finished bundle.
        score: The exported file on the evaluation split.
        result: The training itself.
    """

    bundle: Bundle
    score: Score
    result: TrainResult


def named_recipe(name: str, settings: Sequence[str], *, spec: NetSpec, seed: int) -> TrainConfig:
    """A named training recipe as it suits a net, with the user's settings.

    Raises:
        UsageError: The recipe, a key or a value is unknown; names the closest.
    """
    base = replace(lookup(RECIPES, name, what="recipe")(), seed=seed)
    return override(for_net(base, spec), settings)


def train_model(
    model: Model,
    data: str,
    *,
    out: Path,
    recipe: str | None = None,
    settings: Sequence[str] = (),
    weights: str = AUTO,
    teacher: str | None = None,
    resolution: str | None = None,
    time: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> TrainOutcome:
    """Train, export, score and bundle; started again on the same folder it goes on.

    Where several processes train together, all but the first leave (``SystemExit``) when the training is done.

    Args:
        model: The net; its number of classes becomes the set's.
        data: As DATA of the command line.
        out: The run folder.
        recipe: Name of the training recipe; None takes what suits the weights.
        settings: ``key=value`` settings of the recipe.
        weights: What the net begins with: see `edgesmith.recipes.start.open_start`.
        teacher: A trained net to learn from beside the labels: see `edgesmith.recipes.teacher.open_teacher`.
        resolution: ``160`` or ``128x192``: another input size.
        time: Limit of time, such as ``20m``, in place of the recipe's number of pictures.
        seed: Decides splits, weights, order and augmentation.
        overwrite: Throw away what an earlier run left in ``out``.
        progress: Told of each stage.

    Returns:
        The bundle in ``out``, the file's score on the evaluation split, and what the training came to.

    Raises:
        UsageError: A value is unknown, or a time was given for several processes.
        DataError: The set cannot be opened or trained on.
        WeightsError: The weights cannot be read, or do not fit.
        RunError: ``out`` holds another or a finished run, the training broke off, or nothing can be scored.
        ExportError: The file does not answer as the net.
        SystemExit: In all processes but the first.
    """
    begun, world = clock(), find_world()
    if not world.is_first:
        progress = SILENT
    if world.size > 1 and time is not None:
        raise UsageError("several processes train for a number of pictures, not for a time; give --set pictures=...")
    spec = model.spec_at(resolution)
    asked = named_recipe(recipe or SCRATCH, settings, spec=spec, seed=seed)  # a wrong key is told before any work
    limit_s = None if time is None else parse_seconds(time)
    material = open_material(data, seed=seed, cache_gb=asked.cache_gb, progress=progress)
    start = open_start(weights, spec, model=model, progress=progress).unfolded(material)
    spec = start.spec(net_for(spec, material.dataset))
    if resolution is None and not model.is_sized:
        spec = sized_for(spec, material)
    config = named_recipe(recipe or default_recipe(start, material.dataset.task), settings, spec=spec, seed=seed)
    run: dict[str, Any] = {"verb": "train", "model": spec.to_json(), "data": absolute_data(data)}
    run |= {"weights": None if start.origin is None else start.origin.source, "config": to_dict(config), "time": time}
    classes = material.dataset.classes
    taught = None if teacher is None else open_teacher(teacher, classes, start.rule(spec), task=material.dataset.task)
    run |= {} if taught is None else {"teacher": taught.source}
    config = start.recipe(config, spec, settings, classes=classes)
    folder = RunFolder(path=out, resumed=False)
    if world.is_first:
        folder = open_run(out, run, overwrite=overwrite, free=free_settings(out))
    task = task_of(material, config, spec)
    net, rule = start.begin(spec, material, seed=config.seed)
    progress.note(start.describe(classes))
    if taught is not None:
        progress.note(f"learning from {taught.source} beside the labels")
    expert = None if taught is None else taught.teacher
    if limit_s is not None:
        left_s = PROMISED * limit_s - FINISH_S - (clock() - begun)
        affordable = partial(affordable_pictures, net, material, task, config, rule, left_s, expert)
        config = replace(config, pictures=Stages(folder.path / STAGES_NAME).run("pictures", affordable))
        progress.note(f"{config.pictures} pictures are what {time} are worth")
    result = fit_held_out(net, material, task, config, rule=rule, folder=folder.path, teacher=expert, progress=progress)
    if not world.is_first:
        raise SystemExit(0)
    more = None if taught is None else {"teacher": {"source": taught.source, **to_dict(config.distill)}}
    where, seed = folder.path, config.seed
    score, bundle = finish(
        net, material, task, result, rule=rule, folder=where, seed=seed, more=more, progress=progress
    )
    folder.finish({"bundle": str(bundle.folder), "metrics": score.metrics()})
    return TrainOutcome(bundle=bundle, score=score, result=result)


def affordable_pictures(
    net: Trainable,
    material: Material,
    task: Task,
    config: TrainConfig,
    rule: Preprocessing,
    seconds: float,
    teacher: Teacher | None = None,
) -> int:
    """Pictures that training has time for; at least one batch."""
    loader = material.loader(None, config, rule)
    speed = measure_speed(net, task, loader, config, resolution=net.spec.resolution, teacher=teacher)
    return max(config.batch_size, round(speed * seconds))


def task_of(material: Material, config: TrainConfig, spec: NetSpec | None = None) -> Task:
    """The task of a set with the loss that a config, and a detector's head, ask for."""
    scores = spec.head.scores if spec is not None and isinstance(spec.head, SsdLite) else None
    options = LossOptions(label_smoothing=config.label_smoothing, class_weights=config.class_weights, scores=scores)
    return tasks.of(material.dataset, options=options)


def finish(
    net: Net,
    material: Material,
    task: Task,
    result: TrainResult,
    *,
    rule: Preprocessing,
    folder: Path,
    seed: int,
    more: Mapping[str, Any] | None = None,
    progress: Progress = SILENT,
) -> tuple[Score, Bundle]:
    """Bring the net to its deployed form, export it, score the file once on the evaluation split, write the bundle.

    ``more`` is what the bundle's provenance says beside data, training and seed.

    Raises:
        RunError: None of the pictures to score on can be decoded.
        ExportError: The file does not answer as the net.
    """
    split = material.dataset.evaluation_split()
    crops = material.crops(material.dataset.samples(split), rule)
    say_left_out(crops.problems, progress)
    if not len(crops.samples):
        raise RunError(
            f"none of the pictures of {split} can be decoded, so the net cannot be scored; its weights are kept: "
            f"the same command scores them once the pictures can be read"
        )
    net, condensing = condense_checked(net, crops, progress=progress)
    net = as_deployed(net)
    path = folder / "export" / f"{MAIN_STEM}{ONNX.suffix}"
    file = export_checked(net, ONNX, path, first_crops(crops))
    score = score_file(
        runtime_for(ONNX.suffix).load(file[0].path), task, crops, split=split, seed=seed, progress=progress
    )
    trained = {"pictures": result.pictures, "weights": result.source, "step": result.step}
    facts: dict[str, Any] = {
        "data": material.facts(),
        "training": trained | {"skipped_steps": result.skipped_steps},
        "seed": seed,
        **(more or {}),
    } | ({} if condensing is None else {"condensing": to_dict(condensing)})
    bundle = make_bundle(
        folder / BUNDLE_NAME,
        net,
        score,
        [file],
        name=f"{net.spec.name}-{model_hash(net.spec)[:6]}",
        material=material,
        provenance=facts,
    )
    return score, bundle
