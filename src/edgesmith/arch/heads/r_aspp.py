"""MobileNetV2's segmentation head, R-ASPP: the baseline of the paper's light one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.heads.base import Tap
from edgesmith.arch.map_steps import resize, window_mean
from edgesmith.arch.names import Activation
from edgesmith.arch.presets import Preset
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class RAspp:
    """A 1x1 convolution beside the mean of the whole map, joined by another 1x1 convolution.

    Shape: ``(N, C, H, W)`` of the coarse map and the picture ``-> (N, num_classes, H, W)`` of the picture.
    Paper: MobileNetV2, section 6.3 (the reduced ASPP); MobileNetV3, table 7.

    Args:
        filters: Width of every convolution but the last.
        align_corners: How corners are met in resizing.
        upsample: Whether the answer has the picture's size, or the coarse map's.
        preset: Whose norm constants and dropout it has.
        taps: The coarse map, the picture.
    """

    kind: ClassVar[str] = "r_aspp"
    task: ClassVar[str] = "segmentation"
    widths: ClassVar[Mapping[str, int]] = {"filters": 1}

    filters: int = 256
    align_corners: bool = True
    upsample: bool = True
    preset: Preset | None = Preset.DEEPLAB
    taps: tuple[Tap, ...]

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        """Run the head over the coarse map and the picture."""
        coarse, picture = taps
        x = t.conv(coarse, self.filters, name="project", activation=Activation.RELU)
        mean = window_mean(t, coarse, name="mean", window=0, stride=(1, 1))
        mean = t.conv(mean, self.filters, name="pooled", activation=Activation.RELU)
        mean = resize(t, mean, x, name="spread", align_corners=self.align_corners)
        x = t.concatenate(x, mean, name="join")
        x = t.conv(x, self.filters, name="fuse", activation=Activation.RELU)
        x = t.dropout(x, name="dropout")
        made = t.conv(x, num_classes, name="classifier", activation=Activation.NONE, bias=True, norm=False)
        if self.upsample:
            made = resize(t, made, picture, name="upsample", align_corners=self.align_corners)
        return (made,)
