"""The fused inverted bottleneck: one full convolution in place of the widening and the depthwise filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.kinds.shortcuts import shortcut
from edgesmith.arch.names import Activation, Point, Skip
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class FusedBottleneck:
    """Widen with a full filter, then narrow without an activation.

    Shape: ``(N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``.
    Paper: MobileNetV4, section 4 (FusedIB), after EfficientNet-EdgeTPU.

    Args:
        kernel_size: Odd side of the first filter, in pixels.
        expand_channels: Channels between the two convolutions.
        out_channels: Width of the output.
        activation: What follows the first convolution.
        stride: 1 or 2; 2 halves the feature map.
        skip: What is added to the output; IDENTITY needs stride 1 and equal widths, POOL equal widths.
    """

    kind: ClassVar[str] = "fused_bottleneck"
    elastic: ClassVar[bool] = True

    kernel_size: int
    expand_channels: int
    out_channels: int
    activation: Activation
    stride: int = 1
    skip: Skip = Skip.NONE

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``."""
        skip = shortcut(t, x, self.skip, stride=self.stride, out_channels=self.out_channels)
        h = t.conv(
            x,
            self.expand_channels,
            name="expand",
            activation=self.activation,
            kernel_size=self.kernel_size,
            stride=self.stride,
        )
        t.mark(Point.EXPAND, h)
        h = t.conv(h, self.out_channels if skip is None else x, name="project", activation=Activation.NONE)
        return h if skip is None else t.add(skip, h, name="skip")
