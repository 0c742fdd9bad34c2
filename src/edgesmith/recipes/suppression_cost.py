"""What the suppression of overlaps adds to a detector's file: timed on real pictures, as its boxes decide it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.bootstrap import interval_of_mean
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.deploy.base import SINGLE
from edgesmith.deploy.bundle import Bundle, load_module, open_bundle
from edgesmith.deploy.formats import ONNX
from edgesmith.deploy.parity import run_pictures
from edgesmith.nn.build import Net
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.material import Material
from edgesmith.recipes.model_files import MAIN_STEM, bundle_file, export_suppressed
from edgesmith.recipes.parity_pictures import first_crops
from edgesmith.recipes.run_folder import Stages
from edgesmith.report import write
from edgesmith.report.saved import load
from edgesmith.runtimes.table import runtime_for

DEVICE: Final = "onnxruntime"
_ROUNDS: Final = 5
_FORECAST_S: Final = 15.0

Run = Callable[[NDArray[np.uint8]], object]


def with_suppression(
    result: FitResult, material: Material, *, stages: Stages, progress: Progress = SILENT
) -> FitResult:
    """A detector's result with what suppression adds, in the report too; that of another task as it is.

    The bundle gets the file that suppresses overlaps itself. The budget was judged by the file without.

    Args:
        result: Of the fit, its report written.
        material: Its evaluation split gives the pictures.
        stages: Of the run.
        progress: Told of an export.
    """
    if material.dataset.task != "detection":
        return result
    begun = time.monotonic()
    told = judged(measure_suppression(result.bundle, material, progress=progress), result.latency, result.budget_ms)
    stages.note("suppression", _FORECAST_S, time.monotonic() - begun)
    line = describe_suppression(told)
    page = load(result.report.with_suffix(".json"))
    write(replace(page, remarks=(line,)), result.report)
    return replace(result, suppression=told, summary=(*result.summary, line))


def measure_suppression(folder: Path, material: Material, *, progress: Progress = SILENT) -> dict[str, Any]:
    """Processor time of the bundle's ONNX file with suppression inside, less that of the one without.

    Args:
        folder: The bundle; gets the file with suppression where it has none.
        material: Its evaluation split gives the pictures, on which the files take turns.
        progress: Told of an export.

    Returns:
        ``path`` of the file with suppression; ``ms``, ``low_ms`` and ``high_ms`` that it takes longer, the mean over
        the pictures with its 95 % interval; ``num_pictures``, and how many ``boxes`` a picture had.
    """
    bundle = open_bundle(folder)
    rule = bundle.manifest.preprocessing
    split = material.dataset.evaluation_split()
    pictures = first_crops(material.crops(material.dataset.samples(split), rule))
    bundle, plain = bundle_file(bundle, ONNX.format, progress=progress)
    if not any(record.suppressed for record in bundle.manifest.files):
        path = Path(f"{MAIN_STEM}-nms{ONNX.suffix}")
        with tempfile.TemporaryDirectory(prefix="edgesmith-") as made, progress.stage("export with suppression"):
            net = cast("Net", load_module(bundle))
            exported, parity = export_suppressed(net, Path(made) / path, pictures, options=SINGLE)
            bundle = bundle.add_file(exported, parity=parity)
    inside = _suppressed_file(bundle)
    files = [runtime_for(each.suffix).load(each) for each in (plain, inside)]
    counts = [len(cast("NDArray[Any]", files[1].run(rule.normalize(each[None])))) for each in pictures.images]
    added = _added_ms([partial(run_pictures, each, preprocessing=rule) for each in files], pictures.images)
    found = interval_of_mean(added, rng=generator(0, "suppression"))
    return {
        "device": DEVICE,
        "path": str(inside),
        "ms": found.value,
        "low_ms": found.low,
        "high_ms": found.high,
        "num_pictures": len(added),
        "boxes": float(np.mean(counts)),
    }


def judged(cost: Mapping[str, Any], latency: tuple[Mapping[str, Any], ...], budget_ms: float) -> dict[str, Any]:
    """With ``total_ms`` and ``met``: file and suppression together on ONNX Runtime; None where it was not measured."""
    here = next((each for each in latency if str(each["device"]).partition(":")[0] == DEVICE), None)
    if here is None:
        return {**cost, "total_ms": None, "met": None}
    met = here["high_ms"] + max(0.0, cost["high_ms"]) <= budget_ms
    return {**cost, "total_ms": here["ms"] + cost["ms"], "met": met}


def describe_suppression(cost: Mapping[str, Any]) -> str:
    """One line for people."""
    words = (
        f"suppression of overlaps, which the budget leaves out, adds {cost['ms']:.2f} ms ({cost['low_ms']:.2f} to "
        f"{cost['high_ms']:.2f}) inside {Path(cost['path']).name} on {cost['device']}, with {cost['boxes']:.0f} boxes "
        "a picture"
    )
    if cost["total_ms"] is None:
        return words
    return f"{words}: {cost['total_ms']:.2f} ms in all, {'within' if cost['met'] else 'beyond'} the budget"


def _suppressed_file(bundle: Bundle) -> Path:
    return bundle.path(next(record for record in bundle.manifest.files if record.suppressed))


def _added_ms(ways: Sequence[Run], images: NDArray[np.uint8]) -> list[float]:
    """For each picture the median over rounds of the second way's processor time, less the first's."""
    times = np.zeros((_ROUNDS, len(images), len(ways)))
    for number in range(_ROUNDS):
        for place, image in enumerate(images):
            for way, run in enumerate(ways):
                begun = time.process_time()
                run(image[None])
                times[number, place, way] = 1000 * (time.process_time() - begun)
    medians = np.median(times, axis=0)
    return [float(with_it - without) for without, with_it in medians]
