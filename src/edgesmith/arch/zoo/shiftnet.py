"""ShiftNet-A and B, and ShiftResNet for 32-pixel pictures.

Paper: "Shift: A Zero FLOP, Zero Parameter Alternative to Spatial Convolutions", tables 3 to 6, and the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.norm import NormBlock
from edgesmith.arch.kinds.shift import ConvShiftConv, ShiftResidual
from edgesmith.arch.names import Activation
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published
from edgesmith.core.errors import UsageError

_GROUPS: Final = (  # kernel, output channels, first expansion, later expansion, modules
    (5, 64, 4, 4, 5), (5, 128, 4, 3, 6), (3, 256, 3, 2, 7), (3, 512, 2, 1, 3),
)  # fmt: skip
_CIFAR_WIDTHS: Final = (16, 32, 64)


def shiftnet_a() -> NetSpec:
    """ShiftNet-A: 4.2 M parameters and 1.4 G multiply-adds."""
    return _shiftnet("shiftnet_a", divisor=1)


def shiftnet_b() -> NetSpec:
    """ShiftNet-B, half as wide: 1.2 M parameters and 371 M multiply-adds."""
    return _shiftnet("shiftnet_b", divisor=2)


def shiftresnet(*, depth: int = 20, expansion: int = 6) -> NetSpec:
    """ShiftResNet of ``6 n + 2`` layers, whose modules move ``expansion`` times their output's channels.

    Raises:
        UsageError: The depth is not of this form, or the expansion below 1.
    """
    repeats, rest = divmod(depth - 2, 6)
    if repeats < 1 or rest:
        raise UsageError(f"depth must be 6 n + 2, got {depth}; published: 20, 56, 110")
    if expansion < 1:
        raise UsageError(f"expansion must be at least 1, got {expansion}; published: 1, 3, 6, 9")
    blocks: list[Block] = [Conv(out_channels=_CIFAR_WIDTHS[0], kernel_size=3, activation=Activation.RELU)]
    for stage, width in enumerate(_CIFAR_WIDTHS):
        first = ShiftResidual(out_channels=width, expand_channels=expansion * width, stride=2 if stage else 1)
        later = ShiftResidual(out_channels=width, expand_channels=expansion * width)
        blocks += [first, *[later] * (repeats - 1)]
    return NetSpec(
        name="shiftresnet",
        family="ShiftNet",
        blocks=tuple(blocks),
        head=Classifier(),
        resolution=(32, 32),
        num_classes=10,
        preset=Preset.PLAIN,
    )


def _shiftnet(name: str, *, divisor: int) -> NetSpec:
    stem = Conv(out_channels=32 // divisor, kernel_size=7, stride=2, activation=Activation.NONE, norm=False, bias=False)
    blocks: list[Block] = [stem]
    for kernel_size, base, first, later, count in _GROUPS:
        out = base // divisor
        blocks.append(ConvShiftConv(out_channels=out, kernel_size=kernel_size, expansion=first, stride=2))
        blocks += [ConvShiftConv(out_channels=out, kernel_size=kernel_size, expansion=later)] * (count - 1)
    blocks.append(NormBlock(activation=Activation.RELU))
    return NetSpec(name=name, family="ShiftNet", blocks=tuple(blocks), head=Classifier(), preset=Preset.PLAIN)


_PAPER, _CODE = "Shift, as surveys quote it", "shiftresnet-cifar README"
_CIFAR_100: Final = {  # depth: top-1 by expansion
    20: {6: 0.6973, 1: 0.5505, 3: 0.6583, 9: 0.7077},
    56: {1: 0.6320, 3: 0.6977, 6: 0.7233, 9: 0.7343},
    110: {1: 0.6801, 3: 0.7210, 6: 0.7317, 9: 0.7371},
}


def _cifar_figures() -> tuple[Published, ...]:
    rows = []
    for depth, by_expansion in _CIFAR_100.items():
        for expansion, top1 in by_expansion.items():
            options = [f"depth={depth}"] * (depth != 20) + [f"expansion={expansion}"] * (expansion != 6)
            rows.append(Published(options=",".join(options), top1=top1, source=_CODE, data="CIFAR-100"))
    return tuple(rows)


MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "shiftnet_a": Entry(make=shiftnet_a, published=(Published(top1=0.701, source=_PAPER),)),
        "shiftnet_b": Entry(make=shiftnet_b, published=(Published(top1=0.612, source=_PAPER),)),
        "shiftresnet": Entry(make=shiftresnet, published=_cifar_figures()),
    }
)
