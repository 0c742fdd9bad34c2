"""Small calibrated nets with an answer for every place, and bundles of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from edgesmith.arch.edits.detection import ssdlite_head, with_decoding, with_ssdlite
from edgesmith.arch.edits.segmentation import Tail, with_lr_aspp
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.bundle import Bundle, write_bundle
from tests.deploy.models import Model, make_model

HEIGHT, WIDTH = 64, 96


def segmenter() -> Model:
    """Three classes: five blocks and the paper's head, its gate and its three resizes."""
    return dense_model(with_lr_aspp(backbone(0, 1, 2, 4, -1).with_num_classes(3), filters=16, tail=Tail.FULL))


def detector() -> Model:
    """Two classes on four maps; scores begin at one per cent, as those of the paper's loss do."""
    spec = with_ssdlite(backbone(0, 1, 2, 4, 9, -1).with_num_classes(2), tail=Tail.FULL)
    spec = with_decoding(spec)
    return dense_model(replace(spec, head=replace(ssdlite_head(spec), extra_channels=(32, 32))))


def sure_detector() -> Model:
    """The same with answers that differ from place to place, some of them sure."""
    model = detector()
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in model.net.named_parameters():
            if name.startswith("head.class") and name.endswith("conv.bias"):
                value.normal_(-2, 2, generator=random)
    return model


def write_dense_bundle(path: Path, model: Model, files: Sequence[ExportedFile]) -> Bundle:
    return write_bundle(
        path,
        name="dense",
        task=model.spec.head.task,
        spec=model.spec,
        module=model.net,
        classes=model.classes,
        preprocessing=model.preprocessing,
        files=[(file, None) for file in files],
        metrics={},
        provenance={},
    )


def backbone(*blocks: int) -> NetSpec:
    spec = find("mobilenet_v3_small@width=0.5")
    return replace(spec, blocks=tuple(spec.blocks[index] for index in blocks)).with_resolution(HEIGHT, WIDTH)


def dense_model(spec: NetSpec) -> Model:
    model = make_model(spec)
    return replace(model, preprocessing=Preprocessing.for_resolution(*spec.resolution).for_whole())
