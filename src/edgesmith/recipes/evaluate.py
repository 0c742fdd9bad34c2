"""Score a model on a set: eager weights, or the file that a device runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
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
from edgesmith.engine.evaluate import Evaluation, eager, evaluate
from edgesmith.nn.build import Net
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.labels import relabel, require_task
from edgesmith.recipes.model_files import device_for, open_file
from edgesmith.recipes.models import Model
from edgesmith.recipes.product import score_file
from edgesmith.recipes.remarks import say_left_out
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
    resize: str | None = None,
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
        resize: A second rule, ``plain``, ``bilinear`` or ``bicubic``, to score under beside the model's own.
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
    if with_ranges and device is not None:
        raise UsageError(f"ranges are emulated in PyTorch, not on {device}; leave --device out")
    rule = bundle.manifest.preprocessing
    other = None if resize is None else replace(rule, interpolation=resize)
    crops = crop_pictures(dataset, samples, rule, progress=progress)
    say_left_out(crops.problems, progress)
    score = partial(
        _score,
        bundle=bundle,
        device=device,
        file=model.file,
        split=chosen,
        seed=seed,
        with_ranges=with_ranges,
        progress=progress,
    )
    evaluation = score(crops)
    result = {
        "task": bundle.manifest.task,
        "split": chosen,
        "num_images": evaluation.num_images,
        "device": device or ("torch weights, activation ranges emulated" if with_ranges else "torch weights"),
        "skipped": [problem.file for problem in crops.problems],
        "metrics": _without_confusion(evaluation),
    }
    if other is not None:
        again = score(crop_pictures(dataset, samples, other, progress=progress))
        result["second_rule"] = {"resize": resize, "metrics": _without_confusion(again)}
    return result


def _score(
    crops: Crops,
    *,
    bundle: Bundle,
    device: str | None,
    file: Path | None,
    split: str,
    seed: int,
    with_ranges: bool,
    progress: Progress,
) -> Evaluation:
    manifest, count = bundle.manifest, len(crops.samples)
    task = scoring_task(manifest.task, manifest.classes, manifest.spec)
    if device is None or get_device(device).format == "torch":
        predict = eager(_with_ranges(bundle) if with_ranges else load_module(bundle))
        return evaluate(predict, batches_of(crops), task, seed=seed, num_images=count, progress=progress)
    loaded = open_file(bundle, device, file=file, progress=progress)
    finish = finisher(manifest.spec, loaded.outputs[0])
    return score_file(loaded, task, crops, split=split, seed=seed, finish=finish, progress=progress).evaluation


def _without_confusion(evaluation: Evaluation) -> dict[str, Any]:
    return {key: value for key, value in evaluation.metrics.items() if key != "confusion"}


def _with_ranges(bundle: Bundle) -> Net:
    net, ranges = load_module(bundle), bundle.manifest.ranges
    if not ranges:
        raise UsageError(
            f"{bundle.manifest.name} has no activation ranges; bundles of quantized LiteRT files have: edgesmith import"
        )
    assert isinstance(net, Net), "a bundle's module is built from its spec"
    return emulate_ranges(net, {name: from_dict(Range, values) for name, values in ranges.items()})
