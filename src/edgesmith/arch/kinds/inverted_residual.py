"""The inverted residual with linear bottleneck of MobileNetV2, with MnasNet's and MobileNetV3's gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.kinds.shortcuts import shortcut
from edgesmith.arch.names import Activation, GateKind, Point, Skip
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value
from edgesmith.core.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class GateSpec:
    """A squeeze-and-excite gate.

    Args:
        squeeze_channels: Width of its bottleneck.
        kind: Its last activation.
        activation: What follows the bottleneck.
    """

    squeeze_channels: int
    kind: GateKind = GateKind.HARD_SIGMOID
    activation: Activation = Activation.RELU


@dataclass(frozen=True, kw_only=True)
class InvertedResidual:
    """Widen, filter each channel, gate, then narrow without an activation.

    Shape: ``(N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``.
    Paper: MobileNetV3, section 3 (expansion, squeeze-and-excite, linear projection).

    Args:
        kernel_size: Odd side of the depthwise filter, in pixels.
        expand_channels: Channels of the depthwise filter; equal to the input's for no widening.
        out_channels: Width of the bottleneck.
        activation: What follows the first two convolutions.
        stride: 1 or 2; 2 halves the feature map.
        gate: Squeeze-and-excite after the depthwise activation, or None.
        skip: What is added to the output; IDENTITY needs stride 1 and equal widths, POOL equal widths.
        dilation: Distance between the depthwise filter's taps.
    """

    kind: ClassVar[str] = "inverted_residual"
    elastic: ClassVar[bool] = True

    kernel_size: int
    expand_channels: int
    out_channels: int
    activation: Activation
    stride: int = 1
    gate: GateSpec | None = None
    skip: Skip = Skip.NONE
    dilation: int = 1

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``."""
        self._check()
        skip = shortcut(t, x, self.skip, stride=self.stride, out_channels=self.out_channels)
        h = x
        if self.expand_channels != x.channels:
            h = t.conv(x, self.expand_channels, name="expand", activation=self.activation)
        t.mark(Point.EXPAND, h)
        h = t.depthwise(
            h,
            name="depthwise",
            kernel_size=self.kernel_size,
            stride=self.stride,
            activation=self.activation,
            dilation=self.dilation,
        )
        t.mark(Point.DEPTHWISE, h)
        if self.gate is not None:
            h = t.gate(
                h,
                name="gate",
                squeeze_channels=self.gate.squeeze_channels,
                kind=self.gate.kind,
                activation=self.gate.activation,
            )
        h = t.conv(h, self.out_channels if skip is None else x, name="project", activation=Activation.NONE)
        return h if skip is None else t.add(skip, h, name="skip")

    def _check(self) -> None:
        if self.kernel_size % 2 == 0 or self.kernel_size < 1:
            raise SpecError(f"kernel_size must be odd, got {self.kernel_size}")
        if self.stride not in (1, 2):
            raise SpecError(f"stride must be 1 or 2, got {self.stride}")
