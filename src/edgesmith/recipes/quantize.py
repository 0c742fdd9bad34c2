"""int8 files of a bundle: calibrated on the user's pictures, planned by measuring on the device, scored, and kept."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from edgesmith.core.config import to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.core.table import lookup
from edgesmith.data import dataset as datasets
from edgesmith.data.evaluation import Crops, crop_pictures
from edgesmith.deploy.base import INT8, split_kind
from edgesmith.deploy.bundle import Bundle, load_module
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.quantize.base import Calibration, QuantPlan, Ranges
from edgesmith.deploy.quantize.ends import refuse_shared_step
from edgesmith.deploy.quantize.mixed import Search, find_plan
from edgesmith.deploy.quantize.table import get_quantizer
from edgesmith.deploy.quantize.write import open_quantizer
from edgesmith.devices.local import LocalDevice
from edgesmith.devices.measure import Subject, measure, time_files
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Measurement
from edgesmith.devices.table import get_devices
from edgesmith.nn.build import Net
from edgesmith.recipes.int8_parts import parts_of
from edgesmith.recipes.int8_report import report
from edgesmith.recipes.int8_score import RULES, Scorer, compare_files, sensitivity
from edgesmith.recipes.int8_wishes import Wishes
from edgesmith.recipes.labels import relabel, require_task
from edgesmith.recipes.model_files import MAIN_STEM, bundle_file
from edgesmith.recipes.models import Model
from edgesmith.tasks.figures import figure_of
from edgesmith.tasks.table import scoring_task

CALIBRATION: Final = 200
NO_WISHES: Final = Wishes()
_TRIAL: Final = Plan(limit_s=4.0, loads=2)


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Two sets of pictures that share none: one sets ranges and chooses plans, one is only scored."""

    calibration: Crops
    evaluation: Crops
    split: str


def quantize_model(
    model: Model,
    data: str,
    devices: str,
    *,
    calibration: int = CALIBRATION,
    ranges: str = Ranges.MINMAX,
    mixed: bool = True,
    keep_slow: bool = False,
    wishes: Wishes = NO_WISHES,
    seed: int = 0,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``edgesmith quantize --json`` prints.

    Args:
        model: A bundle or a run folder.
        data: As DATA of the command line.
        devices: Devices of this machine, as typed; each gets the plan that suits it.
        calibration: Pictures that set ranges and choose the plan.
        ranges: How ranges are found: ``minmax``, ``percentile`` or ``error``.
        mixed: Whether parts may stay in float; else everything becomes int8.
        keep_slow: Put a file into the bundle even if it is not faster than the float file.
        wishes: What else is asked of the files.
        seed: Of the choice of pictures.
        progress: Told of each stage.

    Raises:
        UsageError: There are no weights, or a device has no int8 files or none of this kind.
    """
    bundle = model.require_bundle()
    chosen, method = check_request(devices, ranges)
    plans = [wishes.plan(split_kind(device.format)[0], method) for device in chosen]
    for plan in plans:
        refuse_shared_step(bundle.manifest.spec, plan)
    pictures = calibration_pictures(bundle, data, calibration, seed=seed, progress=progress)
    files = []
    for device, plan in zip(chosen, plans, strict=True):
        bundle, result = _quantize_for(
            device,
            bundle,
            pictures,
            plan,
            mixed=mixed,
            keep_slow=keep_slow,
            wishes=wishes,
            progress=progress,
        )
        files.append(result)
    return {
        "calibration": [sample.name for sample in pictures.calibration.samples],
        "split": pictures.split,
        "num_images": len(pictures.evaluation.samples),
        "files": files,
    }


def check_request(devices: str, ranges: str) -> tuple[list[LocalDevice], Ranges]:
    """What ``--device`` and ``--ranges`` name, before any work.

    Raises:
        UsageError: A name is not known, or a device has no int8 files.
    """
    method = lookup({each.value: each for each in Ranges}, ranges, what="choice of ranges")
    return [_require_local(device) for device in get_devices(devices)], method


def calibration_pictures(bundle: Bundle, data: str, count: int, *, seed: int, progress: Progress) -> Pictures:
    """Pictures of train for calibration; where there is one split only, it is divided.

    Raises:
        UsageError: There are not enough pictures, or they are for another task.
    """
    dataset = datasets.open(data, seed=seed)
    require_task(bundle.manifest, dataset, data)
    split = dataset.evaluation_split()
    rule, classes = bundle.manifest.preprocessing, bundle.manifest.classes
    scored = relabel(dataset, split, classes)
    pool = relabel(dataset, "train", classes) if "train" in dataset.splits and split != "train" else scored
    if count < 1 or count >= len(pool) + (pool is not scored):
        raise UsageError(f"calibration must be 1 to {len(pool) - (pool is scored)} pictures of {data}, got {count}")
    drawn = set(generator(seed, "calibration").permutation(len(pool))[:count].tolist())
    used = [sample for index, sample in enumerate(pool) if index in drawn]
    rest = [sample for index, sample in enumerate(scored) if index not in drawn] if pool is scored else list(scored)
    return Pictures(
        calibration=crop_pictures(dataset, used, rule, progress=progress),
        evaluation=crop_pictures(dataset, rest, rule, progress=progress),
        split=split,
    )


def _require_local(device: Any) -> LocalDevice:
    if not isinstance(device, LocalDevice) or device.format == "torch":
        raise UsageError(f"{device.name} has no int8 files; choose from onnxruntime, litert, executorch, openvino")
    get_quantizer(split_kind(device.format)[0])
    return device


def _quantize_for(
    device: LocalDevice,
    bundle: Bundle,
    pictures: Pictures,
    base: QuantPlan,
    *,
    mixed: bool,
    keep_slow: bool,
    wishes: Wishes,
    progress: Progress,
) -> tuple[Bundle, dict[str, Any]]:
    format_name, _ = split_kind(device.format)
    bundle, float_file = bundle_file(bundle, format_name, progress=progress)
    net = cast("Net", load_module(bundle))
    calibration = Calibration.of(pictures.calibration.images, bundle.manifest.preprocessing, inside=wishes.pixels)
    task = scoring_task(bundle.manifest.task, bundle.manifest.classes, bundle.manifest.spec)
    rule, scorer = RULES[task.name], Scorer(device, pictures.calibration, task)
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as name:
        folder = Path(name)
        with progress.stage(f"open {format_name} for int8"):
            opened = open_quantizer(format_name, net, net.spec, calibration, folder)
        found = find_plan(
            opened,
            parts_of(net.spec) if mixed else (),
            float_file,
            measure=lambda paths: time_files(paths, device, plan=_TRIAL),
            error=scorer.error,
            folder=folder,
            base=base,
            allowed=rule.allowed,
            max_ms=wishes.max_ms,
            search_kinds=mixed,
            progress=progress,
        )
        for reason in found.reasons:
            progress.note(f"{device.name}: {reason}")
        best = found.chosen or min(found.trials, key=lambda trial: trial.ms)
        path = folder / f"{MAIN_STEM}-{INT8}{wishes.mark}{get_exporter(format_name).suffix}"
        exported = opened.write(path, best.plan)
        details = report(opened, exported, float_file, sensitivity(found, scorer), len(net.spec.blocks), unit=rule.unit)
        latency = measure(
            [Subject(name="float", files={device.format: float_file}), Subject(name=INT8, files={device.format: path})],
            [device],
        )
        score = compare_files(device, float_file, path, pictures.evaluation, task)
        is_faster = latency.comparisons[0].verdict == "slower"
        refused = wishes.refuse(score)
        kept = (is_faster or keep_slow) and refused is None
        if refused is not None:
            progress.note(f"{device.name}: the int8 file was not kept: {refused}")
        elif kept:
            notes = (*exported.notes, _told(score, pictures))
            bundle = bundle.add_file(replace(exported, notes=notes), parity=score.pop("parity"))
            bundle = bundle.add_latency(_records(latency, bundle, device, path.name))
        else:
            progress.note(f"{device.name}: the int8 file is not faster than the float file and was not kept")
    score.pop("parity", None)
    return bundle, {
        "format": format_name,
        "device": device.name,
        "path": str(bundle.folder / path.name) if kept else None,
        "kept": kept,
        "refused": refused,
        "bytes": exported.bytes,
        "plan": to_dict(best.plan),
        "metrics": score,
        "latency": [to_dict(each) for each in latency.latency],
        "comparisons": [to_dict(each) for each in latency.comparisons],
        "reasons": list(found.reasons),
        "trials": _trials(found),
        **details,
    }


def _told(score: dict[str, Any], pictures: Pictures) -> str:
    figure = figure_of(score)
    assert figure is not None, "a file was scored"
    return (
        f"{figure.label} {score[figure.key]:.1%} where the float file has {score[f'{figure.key}_float']:.1%} on "
        f"{score['num_images']} pictures of {pictures.split} (loss {100 * score['loss']:.1f} points, 95 % interval "
        f"{100 * score['loss_low']:.1f} to {100 * score['loss_high']:.1f}); calibrated on "
        f"{len(pictures.calibration.samples)} others"
    )


def _records(latency: Measurement, bundle: Bundle, device: LocalDevice, file: str) -> list[dict[str, Any]]:
    """The int8 file's latency, as the bundle keeps it."""
    name, *options = device.name.split(":")
    text = device.name if INT8 in options else ":".join([name, INT8, *options])
    return [
        dict(record) | {"name": bundle.manifest.name, "device": text, "file": file}
        for record in latency.records()
        if record["name"] == INT8
    ]


def _trials(found: Search) -> list[dict[str, Any]]:
    return [{"plan": trial.plan.describe(), "ms": trial.ms, "error": trial.error} for trial in found.trials]
