"""SqueezeNet's fire module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.names import Activation, Point
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class Fire:
    """Squeeze to few channels, then widen by 1x1 and 3x3 filters side by side; biased, without norms.

    Shape: ``(N, C, H, W) -> (N, expand1_channels + expand3_channels, H, W)``.
    Paper: SqueezeNet, section 3.2.

    Args:
        squeeze_channels: Filters of the first 1x1 convolution.
        expand1_channels: 1x1 filters of the second layer.
        expand3_channels: 3x3 filters of the second layer.
        activation: What follows each convolution.
    """

    kind: ClassVar[str] = "fire"
    elastic: ClassVar[bool] = True

    squeeze_channels: int
    expand1_channels: int
    expand3_channels: int
    activation: Activation = Activation.RELU

    @property
    def stride(self) -> int:
        """It never halves the feature map."""
        return 1

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``."""

        def conv(source: Value, out: int, name: str, kernel_size: int = 1) -> Value:
            return t.conv(
                source,
                out,
                name=name,
                activation=self.activation,
                kernel_size=kernel_size,
                bias=True,
                norm=False,
            )

        squeezed = t.mark(Point.EXPAND, conv(x, self.squeeze_channels, "squeeze"))
        ones = conv(squeezed, self.expand1_channels, "expand1")
        threes = conv(squeezed, self.expand3_channels, "expand3", kernel_size=3)
        return t.concatenate(ones, threes, name="concatenation")
