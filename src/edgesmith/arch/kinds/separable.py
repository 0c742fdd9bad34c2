"""The depthwise-separable convolution of MobileNetV1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.names import Activation, Point
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class Separable:
    """Filter each channel, then mix them; an activation follows both.

    Shape: ``(N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``.
    Paper: MobileNets, section 3.1.

    Args:
        out_channels: Filters of the 1x1 convolution.
        kernel_size: Odd side of the depthwise filter, in pixels.
        stride: 1 or 2; 2 halves the feature map.
        activation: What follows each norm.
        dilation: Distance between the depthwise filter's taps.
    """

    kind: ClassVar[str] = "separable"
    elastic: ClassVar[bool] = True

    out_channels: int
    activation: Activation
    kernel_size: int = 3
    stride: int = 1
    dilation: int = 1

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``."""
        h = t.depthwise(
            x,
            name="depthwise",
            kernel_size=self.kernel_size,
            stride=self.stride,
            activation=self.activation,
            dilation=self.dilation,
        )
        t.mark(Point.DEPTHWISE, h)
        return t.conv(h, self.out_channels, name="pointwise", activation=self.activation)
