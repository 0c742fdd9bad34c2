"""MobileNetV1 at any width, its shallow variant, and the twin with full convolutions.

Paper: "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", table 1. The paper prints
stride 2 on the last depthwise layer; its sizes show that it is 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.channels import check_width, make_divisible
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.separable import Separable
from edgesmith.arch.names import Activation
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published, by_width

_STEM: Final = 32
_ROWS: Final = (  # output channels, stride
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip
_SHALLOW: Final = (*_ROWS[:6], *_ROWS[11:])


def mobilenet_v1(*, width: float = 1.0, activation: Activation = Activation.RELU) -> NetSpec:
    """MobileNetV1: 4.2 M parameters and 569 M multiply-adds; the code bases have ReLU6 where the paper says ReLU."""
    return _build("mobilenet_v1", _ROWS, width, activation)


def mobilenet_v1_shallow(*, width: float = 1.0, activation: Activation = Activation.RELU) -> NetSpec:
    """Without the five equal blocks of 512 channels (paper, table 5)."""
    return _build("mobilenet_v1_shallow", _SHALLOW, width, activation)


def mobilenet_v1_full(*, width: float = 1.0, activation: Activation = Activation.RELU) -> NetSpec:
    """Full 3x3 convolutions in place of separable ones (paper, table 4)."""

    def full(out: int, stride: int) -> Block:
        return Conv(out_channels=out, kernel_size=3, stride=stride, activation=activation)

    return _build("mobilenet_v1_full", _ROWS, width, activation, block=full)


def _build(
    name: str,
    rows: tuple[tuple[int, int], ...],
    width: float,
    activation: Activation,
    *,
    block: Callable[[int, int], Block] | None = None,
) -> NetSpec:
    check_width(width)

    def separable(out: int, stride: int) -> Block:
        return Separable(out_channels=out, stride=stride, activation=activation)

    make = block or separable
    stem = Conv(out_channels=make_divisible(_STEM * width), kernel_size=3, stride=2, activation=activation)
    return NetSpec(
        name=name,
        family="MobileNetV1",
        blocks=(stem, *(make(make_divisible(out * width), stride) for out, stride in rows)),
        head=Classifier(),
        preset=Preset.PLAIN,
    )


_PAPER = "MobileNets, tables 4 to 8"

MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "mobilenet_v1": Entry(
            make=mobilenet_v1,
            published=(
                *by_width(_PAPER, {1: 0.706, 0.75: 0.684, 0.5: 0.637, 0.25: 0.506}),
                Published(options="resolution=192", top1=0.691, source=_PAPER),
                Published(options="resolution=160", top1=0.672, source=_PAPER),
                Published(options="resolution=128", top1=0.644, source=_PAPER),
                Published(options="width=0.5,resolution=160", top1=0.602, source=_PAPER),
            ),
        ),
        "mobilenet_v1_shallow": Entry(make=mobilenet_v1_shallow, published=(Published(top1=0.653, source=_PAPER),)),
        "mobilenet_v1_full": Entry(make=mobilenet_v1_full, published=(Published(top1=0.717, source=_PAPER),)),
    }
)
