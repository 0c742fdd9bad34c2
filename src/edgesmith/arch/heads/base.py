"""What every head has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from edgesmith.arch.names import Point
from edgesmith.arch.presets import Preset
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class Tap:
    """A place in the backbone that a head reads: a block's number and a point inside it; -1 is the last block."""

    block: int
    point: Point = Point.OUTPUT


@runtime_checkable
class Head(Protocol):
    """A frozen dataclass like a block kind, over one value a tap.

    Attributes:
        kind: The name that JSON uses.
        task: What it answers: ``classification``, ``segmentation`` or ``detection``.
        widths: Fields that are widths of its own, which may be narrowed, with how many times a multiple of channels
            they come in: twice where the head has half of them too.
    """

    kind: ClassVar[str]
    task: ClassVar[str]
    widths: ClassVar[Mapping[str, int]]

    @property
    def taps(self) -> tuple[Tap, ...]:
        """What it reads, in order."""

    @property
    def preset(self) -> Preset | None:
        """Whose norm constants and dropout it has; None for the network's."""

    def __hash__(self) -> int: ...

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        """Run the head over the tapped values and return its outputs."""
