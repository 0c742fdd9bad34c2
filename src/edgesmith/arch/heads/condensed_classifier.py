"""CondenseNet's classifier on half of the features, while that half is learned and after it is."""

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
class CondensedClassifier:
    """Global mean, the features that were kept, and the linear classifier.

    Shape: ``(N, C, H, W) -> (N, num_classes)``.
    Paper: CondenseNet, section 4.3; the authors keep half of the features.

    Args:
        condensation: One feature in so many is kept.
    """

    kind: ClassVar[str] = "condensed_classifier"
    task: ClassVar[str] = "classification"
    widths: ClassVar[Mapping[str, int]] = {}

    condensation: int = 2
    taps: tuple[Tap, ...] = (Tap(block=-1),)
    preset: ClassVar[Preset | None] = None

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        """Run the head over the last block's output."""
        x = t.global_pool(taps[0], name="pool")
        x = t.pick(x, x.channels // self.condensation, name="index")
        x = t.dropout(x, name="dropout")
        return (t.linear(x, num_classes, name="classifier", activation=Activation.NONE),)


@dataclass(frozen=True, kw_only=True)
class LearnedClassifier:
    """A `CondensedClassifier` in training: it reads all features, and drops the least important half way.

    Shape: ``(N, C, H, W) -> (N, num_classes)``.

    Args:
        condensation: In the end one feature in so many is kept.
    """

    kind: ClassVar[str] = "learned_classifier"
    task: ClassVar[str] = "classification"
    widths: ClassVar[Mapping[str, int]] = {}

    condensation: int = 2
    taps: tuple[Tap, ...] = (Tap(block=-1),)
    preset: ClassVar[Preset | None] = None

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        """Run the head over the last block's output."""
        x = t.global_pool(taps[0], name="pool")
        x = t.dropout(x, name="dropout")
        made = t.learned_groups(
            x,
            num_classes,
            name="classifier",
            groups=1,
            condensation=self.condensation,
            activation=Activation.NONE,
            norm=False,
        )
        return (made,)
