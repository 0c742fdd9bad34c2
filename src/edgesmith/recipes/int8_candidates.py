"""Candidates as int8 files: on a device of int8 files, their latency and their accuracy are what counts."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.caches import cache_folder
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.files import read_json, write_json
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.data.evaluation import Crops
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import SINGLE, ExportedFile, split_kind
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.quantize.base import Calibration, QuantPlan, Ranges
from edgesmith.deploy.quantize.mixed import find_plan
from edgesmith.deploy.quantize.write import open_quantizer
from edgesmith.devices.across import Target
from edgesmith.devices.blocks.files import ExportMaker
from edgesmith.devices.measure import time_files
from edgesmith.devices.plan import QUICK
from edgesmith.devices.table import get_device
from edgesmith.engine.evaluate import Evaluation
from edgesmith.nn.build import Net, build
from edgesmith.recipes.int8_wishes import Wishes
from edgesmith.recipes.net_forms import as_deployed
from edgesmith.recipes.product import score_file
from edgesmith.recipes.quantize import check_request
from edgesmith.runtimes.table import runtime_for
from edgesmith.search.supernet.active import settle_norms_
from edgesmith.tasks.base import Task

# Pictures that set the ranges of a candidate: enough to rank by, few enough for hundreds of candidates.
NUM_CALIBRATION: Final = 64
_NOISE: Final = 16
_SAMPLE: Final = "mobilenet_v3_small@resolution=128"


@dataclass(frozen=True, kw_only=True)
class Int8:
    """How candidates become int8 files: plain values, so that other processes can do it.

    Attributes:
        format: Of the files.
        plan: What stays in float in each of them.
    """

    format: str
    plan: QuantPlan

    @property
    def suffix(self) -> str:
        """End of the files' names."""
        return get_exporter(self.format).suffix

    def write(self, net: Net, calibration: Calibration, path: Path) -> ExportedFile:
        """Write a net's file, in the form that files hold."""
        net = as_deployed(net)
        with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder:
            return open_quantizer(self.format, net, net.spec, calibration, Path(folder)).write(path, self.plan)

    def score(self, net: Net, calibration: Crops, held: Crops, task: Task, *, seed: int) -> Evaluation:
        """How a net's file does on held-out pictures.

        Args:
            net: Trained, in evaluation mode.
            calibration: Pictures that set the ranges, cut as the net wants them.
            held: Pictures to score, cut likewise.
            task: Scores.
            seed: Of the score's interval.
        """
        with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder:
            path = Path(folder) / f"candidate{self.suffix}"
            self.write(net, Calibration.of(calibration.images, calibration.preprocessing), path)
            return score_file(runtime_for(self.suffix).load(path), task, held, split="held out", seed=seed).evaluation


@dataclass(frozen=True, kw_only=True)
class Int8Maker:
    """Makes int8 files of untrained nets, whose latency is that of trained ones.

    Attributes:
        int8: How.
    """

    int8: Int8

    @property
    def suffix(self) -> str:
        """The exporter's."""
        return self.int8.suffix

    @property
    def version(self) -> str:
        """Of the exporter and all that it works with, and a digest of the plan."""
        plan = hashlib.sha256(str(to_dict(self.int8.plan)).encode()).hexdigest()[:8]
        return f"int8-{plan}-{ExportMaker(format=self.int8.format).version}"

    def __call__(self, spec: NetSpec, path: Path) -> None:
        """Build the net as it is initialised, give its norms statistics, and quantize it."""
        net, calibration = _untrained(spec)
        self.int8.write(net, calibration, path)


def check_target(target: Target, *, adapt: bool) -> None:
    """Refuse at once what devices of int8 files cannot be asked for.

    Raises:
        UsageError: The device makes no int8 files here, there are several, or NetAdapt is wanted.
    """
    if not target.is_int8:
        return
    if target.is_many:
        raise UsageError(f"a device of int8 files stands alone, got --device {target.device}; name one")
    if adapt:
        raise UsageError(f"NetAdapt narrows float networks, got --device {target.device}; add --no-adapt")
    check_request(target.device, Ranges.MINMAX)


def int8_of(target: Target, *, progress: Progress = SILENT) -> Int8 | None:
    """How candidates become int8 files on a device; None on a device of float files.

    Args:
        target: Where latency counts.
        progress: Told of each stage.
    """
    if not target.is_int8:
        return None
    name, _ = split_kind(get_device(target.device).format)
    return Int8(format=name, plan=fastest_plan(target.device, progress=progress))


def fastest_plan(device: str, *, progress: Progress = SILENT) -> QuantPlan:
    """Which kinds of operators are faster in float on a device: tried on one net, and kept in the cache.

    Args:
        device: A device of int8 files, as typed.
        progress: Told of each stage.
    """
    name, _ = split_kind(get_device(device).format)
    fingerprint = get_device(device).fingerprint()
    setting = hashlib.sha256(f"{fingerprint} {ExportMaker(format=name).version}".encode()).hexdigest()[:12]
    path = cache_folder() / f"int8-plan-{name}-{setting}.json"
    if not path.is_file():
        write_json(path, to_dict(_find_plan(device, name, progress)))
    return from_dict(QuantPlan, read_json(path))


def _find_plan(device: str, name: str, progress: Progress) -> QuantPlan:
    found = get_device(device)
    spec = find(_SAMPLE)
    net, calibration = _untrained(spec)
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as text:
        folder = Path(text)
        float_file = folder / f"float{get_exporter(name).suffix}"
        get_exporter(name).export(net, spec, float_file, options=SINGLE)

        tried = find_plan(
            open_quantizer(name, net, spec, calibration, folder),
            (),
            float_file,
            measure=lambda paths: time_files(paths, found, plan=QUICK),
            error=lambda _: 0.0,
            folder=folder,
            base=Wishes().plan(name, Ranges.MINMAX),
            allowed=0.0,
            progress=progress,
        )
    for reason in tried.reasons:
        progress.note(f"{device}: {reason}")
    return min(tried.trials, key=lambda trial: trial.ms).plan


def _untrained(spec: NetSpec) -> tuple[Net, Calibration]:
    """A net as it is initialised, with norms that fit noise, and that noise."""
    net = build(spec)
    height, width = spec.resolution
    rng = generator(0, "int8 candidates")
    pictures = rng.integers(0, 256, (_NOISE, height, width, 3), dtype=np.uint8)
    calibration = Calibration.of(pictures, Preprocessing.for_resolution(height, width))
    settle_norms_(net, [torch.from_numpy(calibration.images)])
    return net, calibration
