"""SqueezeNet 1.0 and 1.1, as torchvision has them.

Paper: "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", table 1, and the authors' releases. Caffe's 1.0
pads its last convolution by one pixel; neither torchvision's nor Caffe's 1.1 does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.heads.conv_classifier import ConvClassifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.fire import Fire
from edgesmith.arch.kinds.pool import Pooling
from edgesmith.arch.names import Activation, Padding, PoolKind
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published

_FIRES: Final = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))


def squeezenet_1_0() -> NetSpec:
    """SqueezeNet 1.0: 1.25 M parameters and 819 M multiply-adds."""
    return _build("squeezenet_1_0", stem=96, kernel_size=7, pool_after=(0, 3, 7))


def squeezenet_1_1() -> NetSpec:
    """SqueezeNet 1.1: 1.24 M parameters and 349 M multiply-adds at equal accuracy."""
    return _build("squeezenet_1_1", stem=64, kernel_size=3, pool_after=(0, 2, 4))


def _build(name: str, *, stem: int, kernel_size: int, pool_after: tuple[int, ...]) -> NetSpec:
    """``pool_after`` counts the stem as 0 and fire2 as 1."""
    layers: list[Block] = [
        Conv(
            out_channels=stem,
            kernel_size=kernel_size,
            stride=2,
            activation=Activation.RELU,
            norm=False,
            padding=Padding.VALID,
        ),
        *(Fire(squeeze_channels=s, expand1_channels=e, expand3_channels=e) for s, e in _FIRES),
    ]
    blocks: list[Block] = []
    for index, layer in enumerate(layers):
        blocks.append(layer)
        if index in pool_after:
            blocks.append(Pooling(reduce=PoolKind.MAX, kernel_size=3, ceil=True))
    return NetSpec(
        name=name, family="SqueezeNet", blocks=tuple(blocks), head=ConvClassifier(), preset=Preset.SQUEEZENET
    )


MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "squeezenet_1_0": Entry(make=squeezenet_1_0, published=(Published(top1=0.575, source="SqueezeNet, table 2"),)),
        "squeezenet_1_1": Entry(make=squeezenet_1_1, published=(Published(top1=0.58178, source="torchvision 0.29"),)),
    }
)
