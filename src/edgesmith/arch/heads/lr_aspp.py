"""The paper's light segmentation head, LR-ASPP, and torchvision's variant of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.heads.base import Tap
from edgesmith.arch.map_steps import multiply, resize, window_mean
from edgesmith.arch.names import Activation, Point
from edgesmith.arch.presets import Preset
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class LrAspp:
    """A 1x1 convolution, gated by what large windows hold, and a second answer from an earlier, finer map.

    Shape: ``(N, C, H, W)`` of three taps ``-> (N, num_classes, H, W)`` of the picture.
    Paper: MobileNetV3, section 6.4 and figure 10; windows, biases and taps as the DeepLab code has them.

    Args:
        filters: Width of the convolution and of the gate.
        window: Side of the pooling window in pixels of the coarse map, or its height and width; 0 for all of it. Where
            a window does not fit, the whole map is pooled.
        window_stride: Steps of the window down and across.
        gate: The gate's last activation.
        gate_bias: Whether the gate's convolution has one.
        align_corners: How corners are met in resizing.
        upsample: Whether the answer has the picture's size, or the finer tap's.
        preset: Whose norm constants it has.
        taps: The finer map, the coarse map, the picture.
    """

    kind: ClassVar[str] = "lr_aspp"
    task: ClassVar[str] = "segmentation"
    widths: ClassVar[Mapping[str, int]] = {"filters": 1}

    filters: int = 128
    window: int | tuple[int, int] = 49
    window_stride: tuple[int, int] = (16, 20)
    gate: Activation = Activation.HARD_SIGMOID
    gate_bias: bool = True
    align_corners: bool = True
    upsample: bool = True
    preset: Preset | None = Preset.DEEPLAB
    taps: tuple[Tap, ...]

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        """Run the head over the fine map, the coarse map and the picture."""
        fine, coarse, picture = taps
        x = t.conv(coarse, self.filters, name="project", activation=Activation.RELU)
        gate = window_mean(t, coarse, name="window", window=self.window, stride=self.window_stride)
        gate = t.conv(gate, x, name="gate", activation=self.gate, bias=self.gate_bias, norm=False)
        if (gate.height, gate.width) != (1, 1):
            gate = resize(t, gate, x, name="spread", align_corners=self.align_corners)
        x = multiply(t, x, gate, name="product")
        x = resize(t, x, fine, name="refine", align_corners=self.align_corners)
        high = t.conv(x, num_classes, name="high", activation=Activation.NONE, bias=True, norm=False)
        low = t.conv(fine, high, name="low", activation=Activation.NONE, bias=True, norm=False)
        made = t.add(high, low, name="sum")
        if self.upsample:
            made = resize(t, made, picture, name="upsample", align_corners=self.align_corners)
        return (made,)


def picture_tap() -> Tap:
    """The picture, of which heads read the size."""
    return Tap(block=0, point=Point.INPUT)
