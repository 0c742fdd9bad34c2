"""A layer of a space: what it is, before its input's and output's widths and its stride are known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from edgesmith.arch.channels import make_divisible
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.names import Activation, GateKind, Skip

Width: TypeAlias = int | float
"""An int is a number of channels; a float is a multiple of the input's channels, rounded to a multiple of 8."""


class Operator(StrEnum):
    """What a layer computes; ``NOTHING`` is left out, or a bare 1x1 convolution where its shape must change."""

    CONV = "conv"
    INVERTED = "inverted"
    NOTHING = "nothing"


class Gating(StrEnum):
    """Squeeze-and-excite: none, MnasNet's (a quarter of the input), MobileNetV3's (a quarter of the expansion)."""

    NONE = "none"
    INPUT = "input"
    EXPANSION = "expansion"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer.

    Attributes:
        operator: What it computes.
        kernel_size: Odd side of the filter in pixels.
        expansion: Channels of the depthwise filter; 1.0 is the separable convolution.
        gating: Squeeze-and-excite.
        activation: What follows its convolutions.
        skip: What is added to the output wherever the shapes allow it.
    """

    operator: Operator = Operator.INVERTED
    kernel_size: int = 3
    expansion: Width = 6.0
    gating: Gating = Gating.NONE
    activation: Activation = Activation.RELU
    skip: Skip = Skip.IDENTITY


@lru_cache(maxsize=65536)
def make_block(layer: Layer, channels: int, out_channels: int, stride: int) -> Block | None:
    """The block of a layer between two widths; None where there is nothing to compute.

    Args:
        layer: What it is.
        channels: Of its input.
        out_channels: Of its output.
        stride: 1 or 2.
    """
    same = stride == 1 and channels == out_channels
    fits = {Skip.NONE: True, Skip.IDENTITY: same, Skip.POOL: channels == out_channels}[layer.skip]
    skip = layer.skip if fits else Skip.NONE
    if layer.operator is Operator.NOTHING:
        return None if same else Conv(out_channels=out_channels, stride=stride, activation=Activation.NONE)
    if layer.operator is Operator.CONV:
        return Conv(
            out_channels=out_channels,
            kernel_size=layer.kernel_size,
            stride=stride,
            activation=layer.activation,
            skip=skip,
        )
    expand = width_of(layer.expansion, channels)
    return InvertedResidual(
        kernel_size=layer.kernel_size,
        expand_channels=expand,
        out_channels=out_channels,
        activation=layer.activation,
        stride=stride,
        gate=_gate(layer.gating, channels, expand),
        skip=skip,
    )


def width_of(width: Width, channels: int) -> int:
    """Channels that a width stands for behind so many others; 1.0 keeps them whatever they are."""
    if isinstance(width, int):
        return width
    return channels if width == 1 else make_divisible(width * channels)


def _gate(gating: Gating, channels: int, expand: int) -> GateSpec | None:
    if gating is Gating.NONE:
        return None
    if gating is Gating.INPUT:
        return GateSpec(squeeze_channels=max(1, channels // 4), kind=GateKind.SIGMOID)
    return GateSpec(squeeze_channels=make_divisible(expand / 4))
