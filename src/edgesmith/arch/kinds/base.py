"""What every block kind has."""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable

from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@runtime_checkable
class Block(Protocol):
    """A frozen dataclass of integers and enums; its fields are the block's whole description.

    Attributes:
        kind: The name under which JSON and the table of kinds know it.
        elastic: Whether a narrower block, filled from a wider one, equals the wider one with those channels zeroed.
        stride: Step of the block in pixels.
    """

    kind: ClassVar[str]
    elastic: ClassVar[bool]

    @property
    def stride(self) -> int:
        """Step of the block in pixels."""

    def __hash__(self) -> int: ...

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x`` and return its output, which becomes the point ``output``.

        Raises:
            SpecError: The block is not legal on such an input.
        """
