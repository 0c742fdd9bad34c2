"""MobileNetV4's universal inverted bottleneck: four blocks in one, by which of two depthwise filters it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.kinds.shortcuts import shortcut
from edgesmith.arch.names import Activation, Point, Skip
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value
from edgesmith.core.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class UniversalBottleneck:
    """Filter, widen, filter, narrow; either filter may be missing.

    With the middle filter alone it is an inverted residual, with the first alone a ConvNeXt block, with both "extra
    depthwise", with neither a feed-forward network.

    Shape: ``(N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``.
    Paper: MobileNetV4, section 4.

    Args:
        start_kernel: Odd side of the depthwise filter before the widening, in pixels; 0 leaves it out.
        middle_kernel: Odd side of the depthwise filter after it; 0 leaves it out.
        expand_channels: Channels between the two 1x1 convolutions.
        out_channels: Width of the output.
        activation: What follows the widening and the middle filter.
        stride: 1 or 2, done by the middle filter if there is one, else by the first.
        skip: What is added to the output; IDENTITY needs stride 1 and equal widths, POOL equal widths.
    """

    kind: ClassVar[str] = "universal_bottleneck"
    elastic: ClassVar[bool] = True

    start_kernel: int
    middle_kernel: int
    expand_channels: int
    out_channels: int
    activation: Activation
    stride: int = 1
    skip: Skip = Skip.NONE

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``.

        Raises:
            SpecError: There is a stride and no depthwise filter to make it.
        """
        skip = shortcut(t, x, self.skip, stride=self.stride, out_channels=self.out_channels)
        if self.stride > 1 and not (self.start_kernel or self.middle_kernel):
            raise SpecError(f"a stride of {self.stride} needs a depthwise filter, and both kernels are 0")
        h = x
        if self.start_kernel:
            stride = 1 if self.middle_kernel else self.stride
            h = t.depthwise(h, name="start", kernel_size=self.start_kernel, stride=stride, activation=Activation.NONE)
        h = t.mark(Point.EXPAND, t.conv(h, self.expand_channels, name="expand", activation=self.activation))
        if self.middle_kernel:
            h = t.depthwise(
                h, name="depthwise", kernel_size=self.middle_kernel, stride=self.stride, activation=self.activation
            )
            t.mark(Point.DEPTHWISE, h)
        h = t.conv(h, self.out_channels if skip is None else x, name="project", activation=Activation.NONE)
        return h if skip is None else t.add(skip, h, name="skip")
