"""For each task with an answer for places: tiny sets, a tiny network with its head, and what its figure is called."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.edits.detection import with_ssdlite
from edgesmith.arch.edits.segmentation import with_lr_aspp
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.names import Activation, Skip
from edgesmith.arch.spec import NetSpec
from tests.data.box_sets import write_coco
from tests.data.shapes import write_shapes

RESOLUTION: Final = (64, 96)


@dataclass(frozen=True, kw_only=True)
class TaskSet:
    """One task.

    Attributes:
        write: Makes a set of so many pictures a split.
        net: The network.
        key: The figure's name in JSON.
        label: As readers see it.
        words: What a report says of it.
    """

    write: Callable[[Path, dict[str, int]], Path]
    net: NetSpec
    key: str
    label: str
    words: str

    def write_net(self, folder: Path) -> Path:
        path = folder / "small.json"
        path.write_text(json.dumps(self.net.to_json()))
        return path


def backbone() -> NetSpec:
    """Down to stride 32, with a residual and gates."""
    swish = Activation.HARD_SWISH
    gate = GateSpec(squeeze_channels=16)

    def block(expand: int, out: int, **values: Any) -> InvertedResidual:
        return InvertedResidual(kernel_size=3, expand_channels=expand, out_channels=out, activation=swish, **values)

    return NetSpec(
        name="small",
        family="test",
        blocks=(
            Conv(out_channels=16, kernel_size=3, stride=2, activation=swish),
            block(32, 16, stride=2),
            block(48, 24, stride=2),
            block(64, 24, skip=Skip.IDENTITY, gate=gate),
            block(72, 32, stride=2, gate=gate),
            block(96, 64, stride=2),
            Conv(out_channels=128, activation=swish),
        ),
        head=Classifier(),
        resolution=RESOLUTION,
        num_classes=2,
    )


TASKS: Final[Mapping[str, TaskSet]] = {
    "segmentation": TaskSet(
        write=write_shapes,
        net=with_lr_aspp(backbone(), filters=256),
        key="miou",
        label="mIoU",
        words="Intersection over union",
    ),
    "detection": TaskSet(
        write=write_coco,
        net=with_ssdlite(backbone(), width=1.0),
        key="map",
        label="mAP",
        words="Average precision",
    ),
}
