"""Channel rounding, and the four incompatible width-multiplier rules of MobileNetV3 code bases."""

from __future__ import annotations

from enum import StrEnum


class WidthRule(StrEnum):
    """Whose rule scales a network's channels; they agree at width 1.0 only."""

    TENSORFLOW = "tensorflow"
    TORCHVISION = "torchvision"
    TIMM = "timm"
    KERAS = "keras"


class HeadRule(StrEnum):
    """What a width multiplier does to the feature layer before the classifier."""

    RULE = "rule"
    SCALED = "scaled"
    UNSCALED = "unscaled"


def make_divisible(value: float, divisor: int = 8, *, minimum: int | None = None) -> int:
    """The multiple of ``divisor`` nearest to ``value``, never more than 10 % below it.

    Args:
        value: Wanted number of channels.
        divisor: What the result is a multiple of.
        minimum: Least result; ``divisor`` by default.
    """
    rounded = max(divisor if minimum is None else minimum, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
