"""A 1x1 convolution to the classes, then the mean: SqueezeNet's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.heads.base import Tap
from edgesmith.arch.names import Activation
from edgesmith.arch.presets import Preset
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class ConvClassifier:
    """Dropout, a biased 1x1 convolution to the classes, an activation, and the mean over all pixels.

    Shape: ``(N, C, H, W) -> (N, num_classes)``.
    Paper: SqueezeNet, section 3.3 (conv10).

    Args:
        activation: What follows the convolution.
    """

    kind: ClassVar[str] = "conv_classifier"
    task: ClassVar[str] = "classification"
    widths: ClassVar[Mapping[str, int]] = {}

    activation: Activation = Activation.RELU
    taps: tuple[Tap, ...] = (Tap(block=-1),)
    preset: ClassVar[Preset | None] = None

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        """Run the head over the last block's output."""
        x = t.dropout(taps[0], name="dropout")
        x = t.conv(x, num_classes, name="classifier", activation=self.activation, bias=True, norm=False)
        return (t.global_pool(x, name="pool"),)
