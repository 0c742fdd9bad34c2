"""Pooled features to class logits."""

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
class Classifier:
    """Global mean, an optional wide feature layer, dropout, and the linear classifier.

    Shape: ``(N, C, H, W) -> (N, num_classes)``.
    Paper: MobileNetV3, section 5.1: the feature layer comes after the pool, so that it costs one pixel.

    Args:
        feature_channels: Width of the feature layer (the paper's 1280 and 1024); 0 leaves it out.
        activation: What follows the feature layer.
        feature_norm: Whether the feature layer has a norm in place of a bias, as in MobileNetV4.
    """

    kind: ClassVar[str] = "classifier"
    task: ClassVar[str] = "classification"
    widths: ClassVar[Mapping[str, int]] = {}

    feature_channels: int = 0
    activation: Activation = Activation.NONE
    feature_norm: bool = False
    taps: tuple[Tap, ...] = (Tap(block=-1),)
    preset: ClassVar[Preset | None] = None

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        """Run the head over the last block's output."""
        x = t.global_pool(taps[0], name="pool")
        if self.feature_channels:
            x = t.linear(x, self.feature_channels, name="feature", activation=self.activation, norm=self.feature_norm)
        x = t.dropout(x, name="dropout")
        return (t.linear(x, num_classes, name="classifier", activation=Activation.NONE),)
