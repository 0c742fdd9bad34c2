"""A plain convolution with norm and activation: stems, tails, and MnasNet's regular layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.kinds.shortcuts import shortcut
from edgesmith.arch.names import Activation, Padding, Skip
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class Conv:
    """One convolution.

    Args:
        out_channels: Filters.
        kernel_size: Odd side of each filter in pixels.
        stride: 1 or 2.
        activation: What follows the norm.
        dilation: Distance between the filter's taps.
        groups: Number of groups that channels are split into.
        norm: Whether a batch norm follows.
        padding: The border's rule where it differs from the network's.
        bias: Whether the convolution has one; None gives it one exactly where no norm follows.
        skip: What is added to the output; IDENTITY needs stride 1 and equal widths, POOL equal widths.
    """

    kind: ClassVar[str] = "conv"
    elastic: ClassVar[bool] = True

    out_channels: int
    activation: Activation
    kernel_size: int = 1
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    norm: bool = True
    padding: Padding | None = None
    bias: bool | None = None
    skip: Skip = Skip.NONE

    def trace(self, t: Trace, x: Value) -> Value:
        """Convolve ``x``."""
        skip = shortcut(t, x, self.skip, stride=self.stride, out_channels=self.out_channels)
        h = t.conv(
            x,
            self.out_channels if skip is None else x,
            name="conv",
            activation=self.activation,
            kernel_size=self.kernel_size,
            stride=self.stride,
            dilation=self.dilation,
            groups=self.groups,
            bias=not self.norm if self.bias is None else self.bias,
            norm=self.norm,
            padding=self.padding,
        )
        return h if skip is None else t.add(skip, h, name="skip")
