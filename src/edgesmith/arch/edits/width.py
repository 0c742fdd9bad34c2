"""A narrower or wider variant of a network whose widths are written out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from edgesmith.arch.channels import check_width, make_divisible
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.fused import FusedBottleneck
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.kinds.separable import Separable
from edgesmith.arch.kinds.universal import UniversalBottleneck
from edgesmith.arch.names import Skip
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError


def scale_width(spec: NetSpec, width: float) -> NetSpec:
    """Every width of the network times ``width``, to multiples of 8; skips go where inputs and outputs differ.

    A family's own multiplier leaves some layers as they are (see `arch.channels.WidthRule`); this one is for networks
    that no zoo file makes.

    Args:
        spec: The network.
        width: Above 0, at most 8.

    Raises:
        SpecError: It has a block whose widths are tied in other ways; names its kind.
    """
    check_width(width)
    blocks: list[Block] = []
    for index, block in enumerate(spec.blocks):
        if type(block) not in _SCALED:
            raise SpecError(f"{spec.name}: block {index}, a {block.kind}, cannot be scaled in width")
        blocks.append(_without_odd_skip(_SCALED[type(block)](block, width), blocks))
    head = spec.head
    if isinstance(head, Classifier) and head.feature_channels:
        head = replace(head, feature_channels=make_divisible(head.feature_channels * width))
    return replace(spec, name=f"{spec.name}@width={width:g}", blocks=tuple(blocks), head=head)


def _scaled(block: Any, width: float) -> Block:
    values = {
        name: make_divisible(getattr(block, name) * width)
        for name in ("out_channels", "expand_channels")
        if hasattr(block, name)
    }
    scaled: Block = replace(block, **values)
    return scaled


def _scaled_residual(block: Any, width: float) -> Block:
    gate = block.gate and replace(block.gate, squeeze_channels=make_divisible(block.gate.squeeze_channels * width))
    narrow: Any = _scaled(block, width)
    scaled: Block = replace(narrow, gate=gate)
    return scaled


def _without_odd_skip(block: Any, before: list[Block]) -> Block:
    """The block, its skip left out where it no longer adds equal shapes."""
    width = getattr(before[-1], "out_channels", None) if before else None
    if getattr(block, "skip", Skip.NONE) is Skip.IDENTITY and block.out_channels != width:
        block = replace(block, skip=Skip.NONE)
    scaled: Block = block
    return scaled


_SCALED: Final[Mapping[type[Block], Callable[[Any, float], Block]]] = MappingProxyType(
    {
        Conv: _scaled,
        Separable: _scaled,
        InvertedResidual: _scaled_residual,
        FusedBottleneck: _scaled,
        UniversalBottleneck: _scaled,
    }
)
