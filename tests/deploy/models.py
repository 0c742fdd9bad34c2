"""Calibrated nets, pictures and bundles for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.bundle import Bundle, write_bundle
from edgesmith.deploy.parity import Parity
from edgesmith.deploy.quantize.base import QuantPlan, Ranges
from edgesmith.deploy.quantize.table import QUANTIZERS
from edgesmith.nn.build import build
from edgesmith.recipes.int8_wishes import Wishes
from tests.nn.nets import calibrate

# Every format that has int8 files; ExecuTorch's tool takes tens of seconds for the smallest net.
INT8_FORMATS = [pytest.param(name, marks=pytest.mark.slow if name == "executorch" else ()) for name in QUANTIZERS]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A calibrated net with what belongs to it."""

    spec: NetSpec
    net: nn.Module
    preprocessing: Preprocessing
    classes: tuple[str, ...]


def make_model(spec: NetSpec) -> Model:
    classes = tuple(f"class {index}" for index in range(spec.num_classes))
    rule = Preprocessing.for_resolution(*spec.resolution)
    return Model(spec=spec, net=calibrate(build(spec), size=spec.resolution), preprocessing=rule, classes=classes)


def plan_here(format_name: str) -> QuantPlan:
    """The plan that ``edgesmith quantize`` begins with on this processor, whose sums do not overflow."""
    return Wishes().plan(format_name, Ranges.MINMAX)


def tiny_spec() -> NetSpec:
    """Stem, one gated block with ReLU, one with hard-swish, and the tail of V3-Small, 5 classes at 48x40 pixels."""
    spec = find("mobilenet_v3_small").with_num_classes(5).with_resolution(48, 40)
    blocks = tuple(spec.blocks[index] for index in (0, 1, 4, -1))
    return replace(spec, name="tiny", blocks=blocks)


def noise_pictures(count: int, height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Blurred noise, which is nearer to pictures than noise is."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 12, 12, 3), dtype=np.uint8)
    return np.stack([np.array(Image.fromarray(one).resize((width, height))) for one in coarse])


def write_plain_bundle(path: Path, model: Model, files: Sequence[ExportedFile]) -> Bundle:
    return write_bundle(
        path,
        name=model.spec.name,
        task="classification",
        spec=model.spec,
        module=model.net,
        classes=model.classes,
        preprocessing=model.preprocessing,
        files=[(file, None) for file in files],
        metrics={},
        provenance={},
    )


def write_tiny_bundle(path: Path, tiny: Model, tiny_file: ExportedFile, parity: Parity) -> Bundle:
    return write_bundle(
        path,
        name="tiny flowers",
        task="classification",
        spec=tiny.spec,
        module=tiny.net,
        classes=tiny.classes,
        preprocessing=tiny.preprocessing,
        files=[(tiny_file, parity)],
        metrics={"top1": 0.8125, "top1_low": 0.77, "top1_high": 0.85, "num_images": 400, "split": "val"},
        provenance={"data": "flowers, 4 classes", "seed": 3},
    )
