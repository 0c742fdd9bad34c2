"""What stages cost as pictures, classes, candidates and workers grow.

    python benchmarks/scale.py pictures flowers.zip --out scale.jsonl
    python benchmarks/scale.py recipes imagenet-sample-1k --out scale.jsonl
    python benchmarks/scale.py classes --out scale.jsonl
    python benchmarks/scale.py candidates --out scale.jsonl
    python benchmarks/scale.py workers --out scale.jsonl

``pictures``: reading a set, a picture (the first so many of its training pictures, several times over where it has too
few). ``recipes``: decoding and augmentation of a picture in one thread, for 224 pixels. ``classes``: a training step of
MobileNetV3-Small at 128 pixels with a batch of 64, and the exported file. ``candidates``: what a strategy takes to
propose four more after so many. ``workers``: jobs of a second each that only wait, so that what the executor itself
costs is left; of Ray with clusters of so many CPUs. One line of the output file a figure.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from peers.random_batches import steps_per_s
from rows import read_commit

from edgesmith.arch.space.presets import find_space
from edgesmith.arch.zoo.names import find
from edgesmith.core.files import append_line
from edgesmith.core.seed import generator
from edgesmith.data import dataset as datasets
from edgesmith.data.cache import decode_pictures
from edgesmith.data.loader import TrainLoader
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import SINGLE
from edgesmith.deploy.formats import get_exporter
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.table import get_device
from edgesmith.nn.build import build
from edgesmith.recipes.material import CACHE_SHORT_SIDE, open_material
from edgesmith.recipes.training import RECIPES
from edgesmith.search.executors.base import Executor
from edgesmith.search.executors.processes import Processes
from edgesmith.search.executors.ray import Ray
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.table import STRATEGIES, make_strategy

PICTURES: Final = (500, 2000, 8000, 32_000)
CLASSES: Final = (10, 100, 1000, 10_000)
CANDIDATES: Final = (50, 200, 800)
WORKERS: Final = (1, 2, 4)
JOBS_EACH: Final = 8
RECIPE_NAMES: Final = ("small", "paper", "torchvision", "timm")
RECIPE_PICTURES: Final = 300
SIDE: Final = 128
BATCH: Final = 64


def main() -> None:
    options = parse_options()
    for row in STAGES[options.stage](options):
        line = {"commit": read_commit(), "stage": options.stage, **row}
        append_line(options.out, json.dumps(line))
        print(json.dumps(line), flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time stages at several sizes.")
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("data", type=Path, nargs="?", help="classified pictures, for the stage pictures")
    parser.add_argument("--out", type=Path, default=Path("scale.jsonl"))
    return parser.parse_args()


def pictures(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Seconds a picture of opening and decoding a set."""
    source = datasets.open(options.data)
    samples = source.samples("train")
    rows = []
    for count in PICTURES:
        with tempfile.TemporaryDirectory(prefix="edgesmith-") as text:
            for number in range(count):
                sample = samples[number % len(samples)]
                path = Path(text) / source.classes[sample.label] / f"{number:06d}{Path(sample.name).suffix}"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(datasets.read_file(source.source, sample.name))
            begun = time.monotonic()
            material = open_material(text, seed=0)
            seconds = time.monotonic() - begun
        kept = material.pictures.num_kept
        rows.append({"size": count, "ms_a_picture": 1000 * seconds / len(material.pictures), "kept": kept})
    return rows


def recipes(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Processor time of a training picture, by recipe."""
    torch.set_num_threads(1)
    source = datasets.open(options.data)
    samples = next(iter(source.splits.values()))[:RECIPE_PICTURES]
    kept = decode_pictures(source, samples, short_side=CACHE_SHORT_SIDE, limit_bytes=0)
    sizes = [np.prod(kept.picture(index).shape[:2]) for index in range(len(kept))]
    rows = []
    for name in RECIPE_NAMES:
        rule = Preprocessing.for_resolution(224, 224)
        augment = RECIPES[name]().augment
        loader = TrainLoader(
            kept, num_classes=len(source.classes), augment=augment, preprocessing=rule, batch_size=50, seed=0
        )
        begun = time.process_time()
        count = sum(len(batch.images) for batch in loader.epoch(0))
        ms = 1000 * (time.process_time() - begun) / count
        rows.append({"recipe": name, "ms_a_picture": ms, "pixels": float(np.mean(sizes))})
    return rows


def classes(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Milliseconds of a training step, and of the exported file's run."""
    specs = {count: find(f"mobilenet_v3_small@resolution={SIDE},classes={count}") for count in CLASSES}
    folder = Path(tempfile.mkdtemp(prefix="edgesmith-"))
    try:
        files = {count: folder / f"{count}.onnx" for count in CLASSES}
        for count, spec in specs.items():
            get_exporter("onnx").export(build(spec).eval(), spec, files[count], options=SINGLE)
        subjects = [Subject(name=str(count), files={"onnx": path}) for count, path in files.items()]
        found = measure(subjects, [get_device("onnxruntime")]).latency
    finally:
        shutil.rmtree(folder)
    return [
        {"size": count, "step_ms": 1000 / steps_per_s(SIDE, BATCH, count), "file_ms": latency.ms}
        for count, latency in zip(CLASSES, found, strict=True)
    ]


def candidates(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Seconds that each strategy takes for its next four points."""
    space = find_space("mobilenet_v3_small", resolutions=(SIDE,))
    rows = []
    for name in STRATEGIES:
        for count in CANDIDATES:
            strategy, rng = make_strategy(name, space, seed=0), generator(0, "scores")
            while len(strategy.history) < count:
                asked = strategy.ask(10)
                strategy.tell([Trial(point=point, result=Result(score=float(rng.random()))) for point in asked])
            begun = time.monotonic()
            strategy.ask(4)
            rows.append({"strategy": name, "size": count, "seconds": time.monotonic() - begun})
    return rows


def workers(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Jobs a second of each executor, as a share of what so many workers could do."""
    rows = []
    makers: dict[str, Callable[[int], Executor]] = {"processes": Processes, "ray": ray_of}
    for name, make in makers.items():
        for count in WORKERS:
            executor = make(count)
            try:
                list(executor.run(wait, [0.0] * count))  # the workers are there
                begun = time.monotonic()
                done = list(executor.run(wait, [1.0] * (JOBS_EACH * count)))
                seconds = time.monotonic() - begun
            finally:
                executor.close()
            rows.append({"executor": name, "size": count, "share": len(done) / count / seconds})
    return rows


def ray_of(count: int) -> Ray:
    """A local cluster of so many CPUs, which needs not be this machine's."""
    import ray

    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False)
    return Ray()


def wait(seconds: float) -> float:
    """A job."""
    time.sleep(seconds)
    return float(np.float64(seconds))


Stage = Callable[[argparse.Namespace], list[dict[str, Any]]]
STAGES: Final[Mapping[str, Stage]] = MappingProxyType(
    {"pictures": pictures, "recipes": recipes, "classes": classes, "candidates": candidates, "workers": workers}
)

if __name__ == "__main__":
    main()
