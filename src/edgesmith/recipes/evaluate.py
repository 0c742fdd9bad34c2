"""Score a model on a set: eager weights, or the file that a device runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgesmith.core.config import from_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data import dataset as datasets
from edgesmith.data.evaluation import Crops, crop_pictures
from edgesmith.deploy.answers import finisher
from edgesmith.deploy.bundle import Bundle, load_module
from edgesmith.devices.table import get_device
from edgesmith.engine.evaluate import eager, evaluate
from edgesmith.nn.build import Net
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.labels import relabel, require_task
from edgesmith.recipes.model_files import device_for, open_file
from edgesmith.recipes.models import Model
from edgesmith.recipes.product import score_file
from edgesmith.recipes.remarks import say_left_out
from edgesmith.tasks.base import Task
from edgesmith.tasks.table import scoring_task
from edgesmith.weights.imported import Range
from edgesmith.weights.ranges import emulate_ranges


def evaluate_model(
    model: Model,
    data: str,
    *,
    device: str | None = None,
    split: str | None = None,
    seed: int = 0,
    with_ranges: bool = False,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``edgesmith evaluate --json`` prints.

    Args:
        model: A bundle or a run folder.
        data: As DATA of the command line.
        device: Score the file that this device runs; None scores the weights in PyTorch.
        split: Which split; ``test``, else ``val``, by default.
        seed: Of a split that has to be made, and of the intervals.
        with_ranges: Whether activations are held in the ranges of the quantized file that the weights come from.
        progress: Told of each stage.

    Raises:
        UsageError: The model has no weights, or lacks a class of the set.
    """
    bundle = model.require_home()
    if model.file is not None:
        device = device_for(model.file, device)
    dataset = datasets.open(data, seed=seed)
    require_task(bundle.manifest, dataset, data)
    chosen = split or dataset.evaluation_split()
    classes = bundle.manifest.classes
    samples = relabel(dataset, chosen, classes)
    crops = crop_pictures(dataset, samples, bundle.manifest.preprocessing, progress=progress)
    say_left_out(crops.problems, progress)
    task = scoring_task(bundle.manifest.task, classes, bundle.manifest.spec)
    if with_ranges and device is not None:
        raise UsageError(f"ranges are emulated in PyTorch, not on {device}; leave --device out")
    if device is None:
        predict = eager(_with_ranges(bundle) if with_ranges else load_module(bundle))
        evaluation = evaluate(
            predict, batches_of(crops), task, seed=seed, num_images=len(crops.samples), progress=progress
        )
    else:
        evaluation = _score_on(device, bundle, task, crops, file=model.file, split=chosen, seed=seed, progress=progress)
    metrics = {key: value for key, value in evaluation.metrics.items() if key != "confusion"}
    return {
        "task": bundle.manifest.task,
        "split": chosen,
        "num_images": evaluation.num_images,
        "device": device or ("torch weights, activation ranges emulated" if with_ranges else "torch weights"),
        "skipped": [problem.file for problem in crops.problems],
        "metrics": metrics,
    }


def _with_ranges(bundle: Bundle) -> Net:
    net, ranges = load_module(bundle), bundle.manifest.ranges
    if not ranges:
        raise UsageError(
            f"{bundle.manifest.name} has no activation ranges; bundles of quantized LiteRT files have: edgesmith import"
        )
    assert isinstance(net, Net), "a bundle's module is built from its spec"
    return emulate_ranges(net, {name: from_dict(Range, values) for name, values in ranges.items()})


def _score_on(
    device: str,
    bundle: Bundle,
    task: Task,
    crops: Crops,
    *,
    file: Path | None,
    split: str,
    seed: int,
    progress: Progress,
) -> Any:
    chosen = get_device(device)
    if chosen.format == "torch":
        predict = eager(load_module(bundle))
        return evaluate(predict, batches_of(crops), task, seed=seed, num_images=len(crops.samples), progress=progress)
    loaded = open_file(bundle, device, file=file, progress=progress)
    finish = finisher(bundle.manifest.spec, loaded.outputs[0])
    score = score_file(loaded, task, crops, split=split, seed=seed, finish=finish, progress=progress)
    return score.evaluation
