"""Widths that can change by themselves, and networks with one of them changed: NetAdapt's moves.

Paper: MobileNetV3, section 4.2: any expansion, or the bottleneck of all blocks that share it. Which share it is read
from the channel groups, so every kind whose fields hold widths takes part without a word about it here. Heads of
segmenters and detectors name widths of their own (`Head.widths`); their taps follow the blocks that they listen to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

from edgesmith.arch.channels import make_divisible
from edgesmith.arch.heads.base import Head
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.names import Point
from edgesmith.arch.network import Network, trace_network
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError

_EXPAND, _OUT = "expand_channels", "out_channels"


class WidthKind(StrEnum):
    """Whether a width is inside one block, what blocks hand on, or the head's own."""

    EXPANSION = "expansion"
    BOTTLENECK = "bottleneck"
    HEAD = "head"


@dataclass(frozen=True, kw_only=True)
class Width:
    """One width of a network.

    Attributes:
        kind: Expansion, bottleneck or head.
        blocks: The blocks that make these channels, in order; none for the head's.
        channels: How many there are.
        group: Their channel group in the trace of the network; None for the head's, which may be several.
        field: Of the head.
        place: In that field, where it holds several.
        unit: Channels come in so many times a multiple.
    """

    kind: WidthKind
    blocks: tuple[int, ...]
    channels: int
    group: int | None = None
    field: str = ""
    place: int | None = None
    unit: int = 1

    @property
    def name(self) -> str:
        """For people, such as ``expansion of block 3`` or ``bottleneck of blocks 4 to 6``."""
        if not self.blocks:
            number = "" if self.place is None else f" {self.place + 1}"
            return f"{self.field.replace('_', ' ')}{number} of the head"
        first, last = self.blocks[0], self.blocks[-1]
        if first == last:
            return f"{self.kind} of block {first}"
        return f"{self.kind} of blocks {first} {'and' if len(self.blocks) == 2 else 'to'} {last}"


@lru_cache(maxsize=4096)
def widths_of(spec: NetSpec) -> tuple[Width, ...]:
    """Every expansion and every bottleneck, in the order of the network, and the head's own widths.

    Left out are widths that only plain convolutions make (stem, tail), and those that are a part of a concatenation.
    """
    network = trace_network(spec)
    makers: dict[tuple[WidthKind, int], list[int]] = {}
    for index, block in enumerate(spec.blocks):
        for field, kind in ((_EXPAND, WidthKind.EXPANSION), (_OUT, WidthKind.BOTTLENECK)):
            group = _group(network, index, field) if hasattr(block, field) else None
            if group is not None:
                makers.setdefault((kind, group), []).append(index)
    bottlenecks = {group for kind, group in makers if kind is WidthKind.BOTTLENECK}
    found = [
        Width(kind=kind, blocks=tuple(blocks), channels=network.group_sizes[group], group=group)
        for (kind, group), blocks in makers.items()
        if not all(isinstance(spec.blocks[index], Conv) for index in blocks)
        and not (kind is WidthKind.EXPANSION and group in bottlenecks)  # an input that is not widened is no expansion
    ]
    return (*found, *_head_widths(spec.head))


def _head_widths(head: Head) -> Iterator[Width]:
    for field, unit in head.widths.items():
        value = getattr(head, field)
        for place, channels in enumerate(value) if isinstance(value, tuple) else [(None, value)]:
            yield Width(kind=WidthKind.HEAD, blocks=(), channels=channels, field=field, place=place, unit=unit)


def with_width(spec: NetSpec, width: Width, channels: int) -> NetSpec:
    """The network with another number of channels there, and wherever they are handed on.

    A gate's bottleneck keeps its share of the expansion.

    Args:
        spec: The network that `widths_of` was asked about.
        width: One of its widths.
        channels: At least 1.

    Raises:
        SpecError: ``channels`` is below 1, or the network has no such width.
    """
    if channels < 1:
        raise SpecError(f"{spec.name}: the {width.name} cannot have {channels} channels; at least 1")
    if width not in widths_of(spec):
        raise SpecError(f"{spec.name}: it has no {width.name} with {width.channels} channels")
    if width.kind is WidthKind.HEAD:
        return replace(spec, head=_narrower(spec.head, width, channels))
    network = trace_network(spec)
    blocks: list[Any] = list(spec.blocks)
    for index, block in enumerate(blocks):
        changes = {
            field: channels
            for field in (_EXPAND, _OUT)
            if hasattr(block, field) and _group(network, index, field) == width.group
        }
        gate = getattr(block, "gate", None)
        if gate is not None and _EXPAND in changes:
            squeeze = _squeeze(gate.squeeze_channels, block.expand_channels, channels)
            blocks[index] = replace(block, gate=replace(gate, squeeze_channels=squeeze), **changes)
        elif changes:
            blocks[index] = replace(block, **changes)
    return replace(spec, blocks=tuple(blocks))


def _narrower(head: Any, width: Width, channels: int) -> Head:
    """The head with another number of channels in one of its fields."""
    value: Any = channels
    if width.place is not None:
        before = getattr(head, width.field)
        value = (*before[: width.place], channels, *before[width.place + 1 :])
    made: Head = replace(head, **{width.field: value})
    return made


def _group(network: Network, index: int, field: str) -> int | None:
    """The group that a block's field sizes; None where it is several."""
    part = network.blocks[index]
    value = part.outputs[0] if field == _OUT else part.points.get(Point.EXPAND)
    return value.groups[0] if value is not None and len(value.groups) == 1 else None


def _squeeze(squeeze: int, old: int, new: int) -> int:
    """MobileNetV3's quarter stays a quarter; any other share stays about the same."""
    if squeeze == make_divisible(old / 4):
        return make_divisible(new / 4)
    return max(1, round(squeeze * new / old))
