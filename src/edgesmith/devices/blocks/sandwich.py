"""The pieces that a network's latency is summed from, and the small nets that each is measured in.

A block stands between a 1x1 convolution that makes its input and an end that reads its output; the same net without
the block is taken off. What the end takes depends on what it reads, and so does not cancel within a piece. It cancels
in the sum: the first piece is the stem *with* the end, each block's is block plus end on its output less end on its
input, and the head's is head less end on its input. So the pieces of a network add up to the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from edgesmith.arch.cost import Counted, Shape, count_parts, input_shape, tap_shapes
from edgesmith.arch.heads.base import Head, Tap
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.names import Activation, Padding
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.errors import SpecError

_COLOURS: Final = 3
_END_CLASSES: Final = 8


class Role(StrEnum):
    """Where in a network a piece stands."""

    STEM = "stem"
    BLOCK = "block"
    HEAD = "head"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a network whose latency is known by itself.

    Attributes:
        role: Where it stands.
        kind: Its kind of block or head.
        net: The small net that holds it.
        base: The same without it; None for a stem, which counts with all that surrounds it.
    """

    role: Role
    kind: str
    net: NetSpec
    base: NetSpec | None

    @cached_property
    def key(self) -> str:
        """Canonical hash of kind, parameters and input shape: that of the small net, which says all of it."""
        return model_hash(self.net)


def stem_piece(block: Block, shape: Shape, padding: Padding) -> Piece:
    """The first block, on pictures of ``shape``."""
    channels, *resolution = shape
    net = replace(_net((block,), (resolution[0], resolution[1]), padding), in_channels=channels)
    return Piece(role=Role.STEM, kind=block.kind, net=net, base=None)


def block_piece(block: Block, shape: Shape, padding: Padding) -> Piece:
    """A block on an input of ``shape``."""
    opening = _opening(shape)
    net = _net((opening, block), shape[1:], padding)
    return Piece(role=Role.BLOCK, kind=block.kind, net=net, base=_net((opening,), shape[1:], padding))


def head_piece(head: Head, shapes: tuple[Shape, ...], num_classes: int, padding: Padding) -> Piece:
    """A head on taps of ``shapes``.

    Raises:
        SpecError: No row of strided convolutions makes these shapes one after the other.
    """
    order = sorted(range(len(shapes)), key=lambda index: (-shapes[index][1], -shapes[index][2], index))
    openings = tuple(_openings(head.kind, [shapes[index] for index in order]))
    taps = tuple(Tap(block=order.index(index)) for index in range(len(shapes)))
    base = _net(openings, shapes[order[0]][1:], padding)
    part: Any = head
    net = replace(base, head=replace(part, taps=taps), num_classes=num_classes)
    return Piece(role=Role.HEAD, kind=head.kind, net=net, base=base)


def piece_at(spec: NetSpec, parts: Sequence[Counted], index: int) -> Piece:
    """One piece of a network.

    Args:
        spec: The network.
        parts: Its blocks, counted.
        index: Of the block; that behind the last block is the head's.
    """
    if index == 0:
        return stem_piece(spec.blocks[0], input_shape(spec), spec.padding)
    if index == len(parts):
        return head_piece(spec.head, tap_shapes(spec, parts), spec.num_classes, spec.padding)
    return block_piece(spec.blocks[index], parts[index - 1].out, spec.padding)


def pieces_of(spec: NetSpec) -> tuple[Piece, ...]:
    """All pieces of a network: stem, blocks, head.

    Raises:
        SpecError: A block is not legal where it stands, or the head's taps cannot be made by themselves.
    """
    parts, _ = count_parts(spec)
    return tuple(piece_at(spec, parts, index) for index in range(len(parts) + 1))


def _net(blocks: tuple[Block, ...], resolution: tuple[int, int], padding: Padding) -> NetSpec:
    """A small net with the end that all of them share."""
    return NetSpec(
        name="sandwich",
        family="sandwich",
        blocks=blocks,
        head=Classifier(),
        resolution=resolution,
        num_classes=_END_CLASSES,
        padding=padding,
        in_channels=_COLOURS,
    )


def _opening(shape: Shape, stride: int = 1) -> Conv:
    """What makes a piece's input, just before it is read."""
    return Conv(out_channels=shape[0], activation=Activation.RELU, stride=stride)


def _openings(kind: str, shapes: list[Shape]) -> Iterator[Conv]:
    """One convolution a shape, largest first, each reading the one before."""
    before = shapes[0]
    for shape in shapes:
        stride = -(-before[1] // shape[1])
        if tuple(-(-side // stride) for side in before[1:]) != shape[1:]:
            raise SpecError(f"{kind} cannot be measured by itself: no stride leads from {before} to {shape}")
        yield _opening(shape, stride)
        before = shape
