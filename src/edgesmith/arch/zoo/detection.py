"""The paper's detectors (table 6), and torchvision's SSDLite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from edgesmith.arch.anchors import AnchorScheme
from edgesmith.arch.channels import make_divisible
from edgesmith.arch.edits.detection import with_ssdlite
from edgesmith.arch.edits.segmentation import Tail
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.names import Scores
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published
from edgesmith.arch.zoo.mnasnet import mnasnet_a1
from edgesmith.arch.zoo.mobilenet_v1 import mobilenet_v1
from edgesmith.arch.zoo.mobilenet_v2 import mobilenet_v2
from edgesmith.arch.zoo.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small

_COCO: Final = 90


def ssdlite_mobilenet_v3_large(
    *,
    width: float = 1.0,
    tail: Tail = Tail.HALVED,
    anchors: AnchorScheme = AnchorScheme.TENSORFLOW,
    scores: Scores = Scores.SIGMOID,
) -> NetSpec:
    """Table 6's V3, with halved channels as it stands: 3.2 M parameters and 0.51 G multiply-adds."""
    spec = with_ssdlite(mobilenet_v3_large(width=width), tail=tail, anchors=anchors, scores=scores)
    return _named(spec, "ssdlite_mobilenet_v3_large")


def ssdlite_mobilenet_v3_small(
    *,
    width: float = 1.0,
    tail: Tail = Tail.HALVED,
    anchors: AnchorScheme = AnchorScheme.TENSORFLOW,
    scores: Scores = Scores.SIGMOID,
) -> NetSpec:
    """Table 6's V3-Small, with halved channels as it stands: 1.8 M parameters and 0.16 G multiply-adds."""
    spec = with_ssdlite(mobilenet_v3_small(width=width), tail=tail, anchors=anchors, scores=scores)
    return _named(spec, "ssdlite_mobilenet_v3_small")


def ssdlite_mobilenet_v1() -> NetSpec:
    """Table 6's MobileNetV1; its first map is what the first block at stride 32 is given."""
    return _named(with_ssdlite(mobilenet_v1(), tail=Tail.FULL), "ssdlite_mobilenet_v1")


def ssdlite_mobilenet_v2(*, width: float = 1.0) -> NetSpec:
    """Table 6's MobileNetV2."""
    return _narrowed(mobilenet_v2(width=width), "ssdlite_mobilenet_v2", width)


def ssdlite_mnasnet_a1(*, width: float = 1.0) -> NetSpec:
    """Table 6's MnasNet."""
    return _narrowed(mnasnet_a1(width=width), "ssdlite_mnasnet_a1", width)


def torchvision_ssdlite320_mobilenet_v3_large(*, tail: Tail = Tail.HALVED) -> NetSpec:
    """Torchvision's ``ssdlite320_mobilenet_v3_large``: 3,440,060 parameters."""
    spec = with_ssdlite(mobilenet_v3_large(), tail=tail, anchors=AnchorScheme.TORCHVISION, scores=Scores.SOFTMAX)
    return replace(_named(spec, "torchvision_ssdlite320_mobilenet_v3_large"), preset=Preset.SSD)


def _narrowed(spec: NetSpec, name: str, width: float) -> NetSpec:
    """With the layer before the classifier and the maps behind it as narrow as the rest, as the paper's counts want it.

    Classifiers narrower than 1 keep that layer whole.
    """
    *before, last = spec.blocks
    if width < 1 and isinstance(last, Conv):
        last = replace(last, out_channels=make_divisible(last.out_channels * width))
    spec = replace(spec, blocks=(*before, last))
    return _named(with_ssdlite(spec, tail=Tail.FULL, width=width), name)


def _named(spec: NetSpec, name: str) -> NetSpec:
    return replace(spec, name=name, num_classes=_COCO, resolution=(320, 320))


def _table_6(mean_ap: float, options: str = "") -> Published:
    return Published(mean_ap=mean_ap, source="MobileNetV3, table 6", options=options, data="COCO test")


MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "ssdlite_mobilenet_v3_large": Entry(
            make=ssdlite_mobilenet_v3_large, published=(_table_6(0.22), _table_6(0.22, "tail=full"))
        ),
        "ssdlite_mobilenet_v3_small": Entry(
            make=ssdlite_mobilenet_v3_small, published=(_table_6(0.161), _table_6(0.16, "tail=full"))
        ),
        "ssdlite_mobilenet_v1": Entry(make=ssdlite_mobilenet_v1, published=(_table_6(0.222),)),
        "ssdlite_mobilenet_v2": Entry(
            make=ssdlite_mobilenet_v2,
            published=(_table_6(0.221), _table_6(0.166, "width=0.5"), _table_6(0.137, "width=0.35")),
        ),
        "ssdlite_mnasnet_a1": Entry(
            make=ssdlite_mnasnet_a1,
            published=(_table_6(0.23), _table_6(0.185, "width=0.5"), _table_6(0.156, "width=0.35")),
        ),
        "torchvision_ssdlite320_mobilenet_v3_large": Entry(
            make=torchvision_ssdlite320_mobilenet_v3_large,
            published=(Published(mean_ap=0.213, source="torchvision 0.29", data="COCO val2017"),),
        ),
    }
)
