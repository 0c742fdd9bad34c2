"""Channel rounding, and the four incompatible width-multiplier rules of MobileNetV3 code bases."""

from __future__ import annotations

from enum import StrEnum

from edgesmith.core.errors import UsageError


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


def check_width(width: float) -> None:
    """Refuse a width multiplier that makes no network.

    Raises:
        UsageError: It is not above 0, or above 8.
    """
    if not 0 < width <= 8:
        raise UsageError(f"width must be above 0 and at most 8, got {width:g}; publications have 0.25 to 2")
