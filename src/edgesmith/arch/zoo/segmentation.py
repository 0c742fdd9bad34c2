"""The paper's segmenters (table 7), and torchvision's LR-ASPP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from edgesmith.arch.edits.segmentation import Tail, with_lr_aspp, with_r_aspp, with_torchvision_lr_aspp
from edgesmith.arch.edits.tail import HalvingRule, halve_tail
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published
from edgesmith.arch.zoo.mobilenet_v2 import mobilenet_v2
from edgesmith.arch.zoo.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small

_CITYSCAPES: Final = 19
_VOC: Final = 21


class Decoder(StrEnum):
    """R-ASPP or the paper's lighter LR-ASPP."""

    R_ASPP = "r_aspp"
    LR_ASPP = "lr_aspp"


def lraspp_mobilenet_v3_large(
    *, width: float = 1.0, filters: int = 128, stride: int = 16, tail: Tail = Tail.HALVED
) -> NetSpec:
    """Table 7, rows 7 and 8: 1.51 M parameters and 9.7 G multiply-adds at 1024x2048 with 128 filters."""
    spec = with_lr_aspp(mobilenet_v3_large(width=width), filters=filters, output_stride=stride, tail=tail)
    return _named(spec, "lraspp_mobilenet_v3_large")


def lraspp_mobilenet_v3_small(
    *, width: float = 1.0, filters: int = 128, stride: int = 16, tail: Tail = Tail.HALVED
) -> NetSpec:
    """Table 7, row 11: 0.47 M parameters and 2.9 G multiply-adds at 1024x2048."""
    spec = with_lr_aspp(mobilenet_v3_small(width=width), filters=filters, output_stride=stride, tail=tail)
    return _named(spec, "lraspp_mobilenet_v3_small")


def raspp_mobilenet_v3_large(
    *, width: float = 1.0, filters: int = 256, stride: int = 16, tail: Tail = Tail.FULL
) -> NetSpec:
    """Table 7, rows 5 and 6."""
    spec = with_r_aspp(mobilenet_v3_large(width=width), filters=filters, output_stride=stride, tail=tail)
    return _named(spec, "raspp_mobilenet_v3_large")


def aspp_mobilenet_v2(
    *,
    width: float = 1.0,
    filters: int = 256,
    stride: int = 16,
    tail: Tail = Tail.FULL,
    decoder: Decoder = Decoder.R_ASPP,
) -> NetSpec:
    """Table 7, rows 1 to 4, 9 and 10: the 1280 channels before the classifier are left out.

    The tables' counts fit best when the first expansion of the halved stage is kept.
    """
    spec = mobilenet_v2(width=width)
    spec = replace(spec, blocks=spec.blocks[:-1])
    if tail is Tail.HALVED:
        spec = halve_tail(spec, rule=HalvingRule.SSDLITE)
    make = with_r_aspp if decoder is Decoder.R_ASPP else with_lr_aspp
    return _named(make(spec, filters=filters, output_stride=stride, tail=Tail.FULL), "aspp_mobilenet_v2")


def torchvision_lraspp_mobilenet_v3_large(*, filters: int = 128) -> NetSpec:
    """Torchvision's ``lraspp_mobilenet_v3_large``: 3,221,538 parameters."""
    spec = with_torchvision_lr_aspp(mobilenet_v3_large(), filters=filters)
    spec = replace(spec, num_classes=_VOC, resolution=(520, 520))
    return replace(spec, name="torchvision_lraspp_mobilenet_v3_large")


def _named(spec: NetSpec, name: str) -> NetSpec:
    return replace(spec, name=name, num_classes=_CITYSCAPES, resolution=(512, 1024))


def _table_7(miou: float, options: str = "") -> Published:
    return Published(miou=miou, source="MobileNetV3, table 7", options=options, data="Cityscapes val")


MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "lraspp_mobilenet_v3_large": Entry(
            make=lraspp_mobilenet_v3_large, published=(_table_7(0.7236), _table_7(0.7237, "filters=256"))
        ),
        "lraspp_mobilenet_v3_small": Entry(make=lraspp_mobilenet_v3_small, published=(_table_7(0.6838),)),
        "raspp_mobilenet_v3_large": Entry(
            make=raspp_mobilenet_v3_large, published=(_table_7(0.7264), _table_7(0.7191, "tail=halved"))
        ),
        "aspp_mobilenet_v2": Entry(
            make=aspp_mobilenet_v2,
            published=(
                _table_7(0.7284),
                _table_7(0.7256, "tail=halved"),
                _table_7(0.7297, "tail=halved,decoder=lr_aspp"),
                _table_7(0.7274, "tail=halved,decoder=lr_aspp,filters=128"),
                _table_7(0.6857, "tail=halved,decoder=lr_aspp,filters=128,width=0.5"),
                _table_7(0.6683, "tail=halved,decoder=lr_aspp,filters=128,width=0.35"),
            ),
        ),
        "torchvision_lraspp_mobilenet_v3_large": Entry(
            make=torchvision_lraspp_mobilenet_v3_large,
            published=(Published(miou=0.579, source="torchvision 0.29", data="COCO val2017, VOC classes"),),
        ),
    }
)
