"""Rewards: one number for accuracy and latency."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edgesmith.core.errors import UsageError


class Shape(StrEnum):
    """How latency enters a reward."""

    SOFT = "soft"
    HARD = "hard"
    ABSOLUTE = "absolute"


# MnasNet's exponent: twice the latency must buy 5 % more accuracy. MobileNetV3-Small was found with the second.
EXPONENT, EXPONENT_SMALL = -0.07, -0.15
# TuNAS' weight of missing the target, at MobileNetV3's.
SLOPE = -0.10
# Of short trainings, whose accuracies are some three times as far apart: under TuNAS' the best nets lie off the target.
SLOPE_PROXY = -0.30


@dataclass(frozen=True, kw_only=True)
class Reward:
    """What a search raises.

    ``SOFT`` and ``HARD`` are MnasNet's ``accuracy * (latency / target) ** w`` (its section 3): soft with the same
    exponent on both sides of the target, hard with 0 below and -1 above. ``ABSOLUTE`` is TuNAS'
    ``accuracy + slope * |latency / target - 1|`` (Bender et al. 2020), whose best nets lie at the target.

    Attributes:
        target_ms: The latency aimed at.
        shape: Which of them.
        exponent: Of the soft shape; negative.
        slope: Of the absolute shape; negative.
    """

    target_ms: float
    shape: Shape = Shape.ABSOLUTE
    exponent: float = EXPONENT
    slope: float = SLOPE

    def __post_init__(self) -> None:
        if self.target_ms <= 0:
            raise UsageError(f"a target latency must be above 0 ms, got {self.target_ms:g}")
        if self.exponent >= 0 or self.slope >= 0:
            raise UsageError(f"exponent and slope must be below 0, got {self.exponent:g} and {self.slope:g}")

    def of(self, accuracy: float, latency_ms: float) -> float:
        """The reward of a net.

        Args:
            accuracy: 0..1.
            latency_ms: Milliseconds.
        """
        ratio = latency_ms / self.target_ms
        if self.shape is Shape.ABSOLUTE:
            return accuracy + self.slope * abs(ratio - 1)
        if self.shape is Shape.HARD:
            return accuracy * min(1.0, 1 / ratio)
        return float(accuracy * ratio**self.exponent)
