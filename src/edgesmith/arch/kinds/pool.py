"""Windowed pooling as a block of its own: behind stems and between stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.names import PoolKind
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class Pooling:
    """Maximum or mean of a window.

    Args:
        reduce: How a window becomes one number.
        kernel_size: Side of the window in pixels.
        stride: Step of the window in pixels.
        pad: Pixels added on each side.
        ceil: Whether the output's size is rounded up, as Caffe does.
    """

    kind: ClassVar[str] = "pool"
    elastic: ClassVar[bool] = True

    reduce: PoolKind
    kernel_size: int
    stride: int = 2
    pad: int = 0
    ceil: bool = False

    def trace(self, t: Trace, x: Value) -> Value:
        """Pool ``x``."""
        return t.pool(
            x,
            name="pool",
            kind=self.reduce,
            kernel_size=self.kernel_size,
            stride=self.stride,
            pad=self.pad,
            ceil=self.ceil,
        )
