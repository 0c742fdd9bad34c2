"""What suppression inside a detector's ONNX file costs, on real pictures, against suppression outside.

    edgesmith export BUNDLE --with-nms
    python benchmarks/suppression.py BUNDLE DATA

The files take turns on each picture; how many boxes there are, and so what suppression costs, depends on pictures and
on the least score.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from edgesmith.data import dataset as datasets
from edgesmith.data.evaluation import crop_pictures
from edgesmith.deploy.bundle import open_bundle
from edgesmith.deploy.parity import run_pictures
from edgesmith.runtimes.table import runtime_for
from edgesmith.tasks.boxes import BoxRule, find_boxes

Run = Callable[[NDArray[np.uint8]], object]


def ways_of(folder: Path) -> dict[str, Run]:
    """How boxes may be found: each takes one picture as the preprocessing cuts it."""
    bundle = open_bundle(folder)
    rule = bundle.manifest.preprocessing
    plain, inside = (
        runtime_for(".onnx").load(bundle.path(next(f for f in bundle.manifest.files if f.suppressed is wanted)))
        for wanted in (False, True)
    )
    return {
        "answers alone": lambda crop: run_pictures(plain, crop, preprocessing=rule),
        "suppression outside": lambda crop: find_boxes(run_pictures(plain, crop, preprocessing=rule)[0], BoxRule()),
        "suppression inside": lambda crop: run_pictures(inside, crop, preprocessing=rule),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Time suppression inside and outside of a detector's file.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("data")
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ways, dataset = ways_of(options.bundle), datasets.open(options.data)
    samples = dataset.samples(dataset.evaluation_split())[: options.pictures]
    crops = crop_pictures(dataset, samples, open_bundle(options.bundle).manifest.preprocessing).images
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for crop in crops:
            for name, run in ways.items():
                started = time.process_time()
                run(crop[None])
                times[name].append(1000 * (time.process_time() - started))
    rows = [find_boxes(np.asarray(ways["answers alone"](crop[None]))[0], BoxRule()) for crop in crops]
    print(f"{len(crops)} pictures, {np.mean([len(found) for found in rows]):.0f} boxes each from a score of 0.01")
    for name, found in times.items():
        print(
            f"{name}: {median(found):.2f} ms of processor time a picture (median), "
            f"{np.quantile(found, 0.25):.2f} (lower quarter)"
        )


if __name__ == "__main__":
    main()
