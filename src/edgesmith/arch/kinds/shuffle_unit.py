"""ShuffleNet's unit: grouped 1x1 convolutions with a channel shuffle between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.kinds.shortcuts import check_pooled_shortcut
from edgesmith.arch.names import Activation, Point, PoolKind
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class ShuffleUnit:
    """Narrow by groups, shuffle, filter each channel, widen by groups; then a sum, or at stride 2 a concatenation.

    At stride 2 the input is averaged over 3x3 windows and the branch makes the channels that are missing. The
    activation behind the concatenation stands on the branch alone: the averaged input is not negative already.

    Shape: ``(N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``.
    Paper: ShuffleNet, section 3.2 and figure 2.

    Args:
        out_channels: Width of the output; a quarter of it is the bottleneck's.
        groups: Of the two 1x1 convolutions.
        stride: 1 adds the input, 2 concatenates it.
        first_groups: Of the first convolution where it differs: the paper leaves stage 2's first ungrouped.
        shuffle: Whether channels are shuffled; the paper's ablation leaves it out.
    """

    kind: ClassVar[str] = "shuffle_unit"
    elastic: ClassVar[bool] = False

    out_channels: int
    groups: int
    stride: int = 1
    first_groups: int | None = None
    shuffle: bool = True

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``."""
        check_pooled_shortcut(x, stride=self.stride, out_channels=self.out_channels)
        first = self.groups if self.first_groups is None else self.first_groups
        h = t.conv(x, self.out_channels // 4, name="reduce", activation=Activation.RELU, groups=first)
        t.mark(Point.EXPAND, h)
        if self.shuffle and self.groups > 1:
            h = t.shuffle(h, name="shuffle", groups=self.groups)
        h = t.depthwise(h, name="depthwise", kernel_size=3, stride=self.stride, activation=Activation.NONE)
        t.mark(Point.DEPTHWISE, h)
        if self.stride == 1:
            h = t.conv(h, x, name="restore", activation=Activation.NONE, groups=self.groups)
            return t.add(x, h, name="skip", activation=Activation.RELU)
        branch = self.out_channels - x.channels
        h = t.conv(h, branch, name="restore", activation=Activation.RELU, groups=self.groups)
        short = t.pool(x, name="pool", kind=PoolKind.AVERAGE, kernel_size=3, stride=2, pad=1)
        return t.concatenate(short, h, name="concatenation")
