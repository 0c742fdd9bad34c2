"""Score a model on a set: eager weights, or the file that a device runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from edgesmith.core.config import from_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data import dataset as datasets
from edgesmith.data.dataset import Dataset
from edgesmith.data.evaluation import crop_pictures
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.samples import Problem
from edgesmith.deploy.answers import finisher
from edgesmith.deploy.bundle import Bundle, load_module
from edgesmith.devices.table import get_device
from edgesmith.engine.evaluate import collect, eager
from edgesmith.nn.build import Net
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.labels import relabel, require_task
from edgesmith.recipes.model_files import device_for, open_file
from edgesmith.recipes.models import Model
from edgesmith.recipes.paired import difference
from edgesmith.recipes.product import collect_file
from edgesmith.recipes.remarks import say_left_out
from edgesmith.tasks.base import Metric
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
    against: Model | None = None,
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
        against: Another model to set it against on the same pictures.
        progress: Told of each stage.

    Raises:
        UsageError: A model has no weights, lacks a class of the set, or is of another task than the other.
    """
    models = [each for each in (model, against) if each is not None]
    bundles = [each.require_home() for each in models]
    dataset = datasets.open(data, seed=seed)
    chosen, task = split or dataset.evaluation_split(), bundles[0].manifest.task
    for bundle in bundles:  # before any of them is scored
        require_task(bundle.manifest, dataset, data)
        relabel(dataset, chosen, bundle.manifest.classes)
    rule = bundles[0].manifest.preprocessing
    other_rule = None if resize is None else replace(rule, interpolation=resize)
    score = partial(
        _score, dataset=dataset, split=chosen, device=device, seed=seed, with_ranges=with_ranges, progress=progress
    )
    scored = [score(each) for each in models]
    metrics = [_without_confusion(each.metric.compute()) for each in scored]
    count, runs_on = scored[0].count, scored[0].device
    result = {
        "task": task,
        "split": chosen,
        "num_images": count,
        "device": runs_on or ("torch weights, activation ranges emulated" if with_ranges else "torch weights"),
        "skipped": [problem.file for problem in scored[0].problems],
        "metrics": metrics[0],
    }
    if other_rule is not None:
        again = score(model, rule=other_rule).metric.compute()
        result["second_rule"] = {"resize": resize, "metrics": _without_confusion(again)}
    if against is not None:
        apart = difference(*(each.metric for each in scored), task=task, count=count)
        result["against"] = {"name": against.name, "metrics": metrics[1], **apart.to_json()}
    return result


@dataclass(frozen=True, kw_only=True)
class _Scored:
    """A model that answered to some pictures: the metric that counted them, and which could not be decoded."""

    metric: Metric
    count: int
    device: str | None
    problems: tuple[Problem, ...]


def _score(
    model: Model,
    *,
    dataset: Dataset,
    split: str,
    device: str | None,
    seed: int,
    with_ranges: bool,
    rule: Preprocessing | None = None,
    progress: Progress,
) -> _Scored:
    bundle = model.require_home()
    manifest, file = bundle.manifest, model.file
    device = device if file is None else device_for(file, device)
    if with_ranges and device is not None:
        raise UsageError(f"ranges are emulated in PyTorch, not on {device}; leave --device out")
    samples = relabel(dataset, split, manifest.classes)
    crops = crop_pictures(dataset, samples, rule or manifest.preprocessing, progress=progress)
    say_left_out(crops.problems, progress)
    task, count = scoring_task(manifest.task, manifest.classes, manifest.spec), len(crops.samples)
    if device is None or get_device(device).format == "torch":
        predict = eager(_with_ranges(bundle) if with_ranges else load_module(bundle))
        metric, _ = collect(predict, batches_of(crops), task, seed=seed, num_images=count, progress=progress)
    else:
        loaded = open_file(bundle, device, file=file, progress=progress)
        finish = finisher(manifest.spec, loaded.outputs[0])
        metric, _ = collect_file(loaded, task, crops, seed=seed, finish=finish, progress=progress)
    return _Scored(metric=metric, count=count, device=device, problems=crops.problems)


def _without_confusion(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metrics.items() if key != "confusion"}


def _with_ranges(bundle: Bundle) -> Net:
    net, ranges = load_module(bundle), bundle.manifest.ranges
    if not ranges:
        raise UsageError(
            f"{bundle.manifest.name} has no activation ranges; bundles of quantized LiteRT files have: edgesmith import"
        )
    assert isinstance(net, Net), "a bundle's module is built from its spec"
    return emulate_ranges(net, {name: from_dict(Range, values) for name, values in ranges.items()})
