"""One small net for each block kind: a stem, the kind at one or two strides, and a classifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.dense_layer import CondensedLayer
from edgesmith.arch.kinds.fire import Fire
from edgesmith.arch.kinds.fused import FusedBottleneck
from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.kinds.norm import NormBlock
from edgesmith.arch.kinds.pool import Pooling
from edgesmith.arch.kinds.separable import Separable
from edgesmith.arch.kinds.shift import ConvShiftConv, ShiftResidual
from edgesmith.arch.kinds.shuffle_unit import ShuffleUnit
from edgesmith.arch.kinds.universal import UniversalBottleneck
from edgesmith.arch.names import Activation, Padding, PoolKind, Skip
from edgesmith.arch.spec import NetSpec

RELU, HARD_SWISH = Activation.RELU, Activation.HARD_SWISH
STEM: Final = Conv(out_channels=16, kernel_size=3, stride=2, activation=HARD_SWISH)

# The learned form is for training: it is condensed before an export, and `condensed_layer` is what comes out.
BLOCKS: Final[Mapping[str, tuple[Block, ...]]] = {
    "conv": (
        Conv(out_channels=16, kernel_size=3, activation=RELU, skip=Skip.IDENTITY),
        Conv(out_channels=24, kernel_size=3, activation=RELU, groups=4),
    ),
    "separable": (Separable(out_channels=24, activation=RELU, stride=2),),
    "inverted_residual": (
        InvertedResidual(
            kernel_size=5,
            expand_channels=32,
            out_channels=16,
            activation=HARD_SWISH,
            gate=GateSpec(squeeze_channels=8),
            skip=Skip.IDENTITY,
        ),
        InvertedResidual(kernel_size=3, expand_channels=32, out_channels=24, activation=RELU, stride=2),
    ),
    "fused_bottleneck": (
        FusedBottleneck(kernel_size=3, expand_channels=32, out_channels=16, activation=RELU, skip=Skip.IDENTITY),
        FusedBottleneck(kernel_size=3, expand_channels=32, out_channels=16, activation=RELU, stride=2, skip=Skip.POOL),
    ),
    "universal_bottleneck": (
        UniversalBottleneck(
            start_kernel=3, middle_kernel=5, expand_channels=32, out_channels=24, activation=RELU, stride=2
        ),
    ),
    "fire": (Fire(squeeze_channels=8, expand1_channels=16, expand3_channels=16),),
    "shuffle_unit": (ShuffleUnit(out_channels=32, groups=2, stride=2), ShuffleUnit(out_channels=32, groups=2)),
    "condensed_layer": (CondensedLayer(growth=8, groups=4, condensation=4),),
    "conv_shift_conv": (ConvShiftConv(out_channels=24, kernel_size=5, expansion=2, stride=2),),
    "shift_residual": (ShiftResidual(out_channels=16, expand_channels=32),),
    "pool": (Pooling(reduce=PoolKind.MAX, kernel_size=3, ceil=True), Pooling(reduce=PoolKind.AVERAGE, kernel_size=2)),
    "norm": (NormBlock(activation=RELU),),
}


def kind_net(kind: str, *, padding: Padding = Padding.SYMMETRIC) -> NetSpec:
    """5 classes at 64 pixels."""
    return NetSpec(
        name=kind,
        family="test",
        blocks=(STEM, *BLOCKS[kind]),
        head=Classifier(),
        resolution=(64, 64),
        num_classes=5,
        padding=padding,
    )


def net_of_kinds(kinds: Iterable[str]) -> NetSpec:
    """One kind behind the other, each on 16 channels, at a size that leaves the last one some pixels."""
    narrow = Conv(out_channels=16, kernel_size=1, activation=RELU)
    blocks = tuple(block for kind in kinds for block in (narrow, *BLOCKS[kind]))
    return replace(kind_net("conv"), name="kinds", blocks=(STEM, *blocks), resolution=(512, 512))


def same_padded(kind: str) -> NetSpec:
    return replace(kind_net(kind), padding=Padding.SAME)
