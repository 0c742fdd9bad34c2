"""ShiftNet's modules: channels moved by fixed steps between two 1x1 convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.kinds.shortcuts import check_pooled_shortcut
from edgesmith.arch.names import Activation, PoolKind
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class ConvShiftConv:
    """Widen, move, narrow; norms come first. At stride 2 the averaged input is concatenated.

    Shape: ``(N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``.
    Paper: Shift, section 3.2 (the CSC module).

    Args:
        out_channels: Width of the output.
        kernel_size: Odd side of the window that channels are moved in, in pixels.
        expansion: Moved channels for each channel that the branch makes.
        stride: 1 adds the input, 2 concatenates it.
        dilation: Multiplies the steps.
    """

    kind: ClassVar[str] = "conv_shift_conv"
    elastic: ClassVar[bool] = False

    out_channels: int
    kernel_size: int
    expansion: int
    stride: int = 1
    dilation: int = 1

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``."""
        check_pooled_shortcut(x, stride=self.stride, out_channels=self.out_channels)
        branch = self.out_channels - x.channels if self.stride == 2 else self.out_channels
        h = t.norm(x, name="norm1", activation=Activation.RELU)
        h = t.conv(h, self.expansion * branch, name="expand", activation=Activation.NONE, norm=False)
        h = t.shift(h, name="shift", kernel_size=self.kernel_size, stride=self.stride, dilation=self.dilation)
        h = t.norm(h, name="norm2", activation=Activation.RELU)
        out = x if self.stride == 1 else branch
        h = t.conv(h, out, name="project", activation=Activation.NONE, norm=False)
        if self.stride == 1:
            return t.add(x, h, name="skip")
        short = t.pool(x, name="pool", kind=PoolKind.AVERAGE, kernel_size=2, stride=2, ceil=True)
        return t.concatenate(short, h, name="concatenation")


@dataclass(frozen=True, kw_only=True)
class ShiftResidual:
    """Widen, move, narrow with norms behind the convolutions, and a shortcut: the authors' module for CIFAR.

    Shape: ``(N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``.
    Source: shiftresnet-cifar, the authors' code.

    Args:
        out_channels: Width of the output.
        expand_channels: Channels that are moved.
        kernel_size: Odd side of the window that channels are moved in, in pixels.
        stride: 1 or 2; 2 halves the feature map.
    """

    kind: ClassVar[str] = "shift_residual"
    elastic: ClassVar[bool] = False

    out_channels: int
    expand_channels: int
    kernel_size: int = 3
    stride: int = 1

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``."""
        relu, none = Activation.RELU, Activation.NONE
        h = t.conv(x, self.expand_channels, name="expand", activation=relu)
        h = t.shift(h, name="shift", kernel_size=self.kernel_size)
        if self.stride == 1 and self.out_channels == x.channels:
            return t.add(x, t.conv(h, x, name="project", activation=relu), name="skip")
        short = t.conv(x, self.out_channels, name="shortcut", activation=none, stride=self.stride)
        h = t.conv(h, short, name="project", activation=relu, stride=self.stride)
        return t.add(short, h, name="skip")
