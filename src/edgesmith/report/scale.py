"""From values to pixels: scales whose ends are round numbers, and the ticks on them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """An axis from its first tick to its last.

    Args:
        ticks: At least two, ascending.
        start_px: Where the first tick stands.
        end_px: Where the last tick stands; less than ``start_px`` for an axis that points up.
    """

    ticks: tuple[float, ...]
    start_px: float
    end_px: float

    def place(self, value: float) -> float:
        """Pixel of ``value``."""
        low, high = self.ticks[0], self.ticks[-1]
        return self.start_px + (self.end_px - self.start_px) * (value - low) / (high - low)


def linear_scale(values: Iterable[float], *, start_px: float, end_px: float, num_ticks: int = 6) -> Scale:
    """A scale that covers all ``values``."""
    known = list(values)
    return Scale(ticks=linear_ticks(min(known), max(known), num_ticks=num_ticks), start_px=start_px, end_px=end_px)


def linear_ticks(low: float, high: float, *, num_ticks: int = 6) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten, the first at most ``low``, the last at least ``high``."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        margin = abs(high) / 10 or 1.0
        low, high = low - margin, high + margin
    step, decimals = _round_step((high - low) / num_ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(index * step, decimals) for index in range(first, last + 1))


def _round_step(rough: float) -> tuple[float, int]:
    """The smallest of 1, 2, 5 times a power of ten that is at least ``rough``, and the decimals it needs."""
    exponent = math.floor(math.log10(rough))
    mantissa = next((m for m in (1, 2, 5) if m * 10.0**exponent >= rough * (1 - 1e-9)), 10)
    return float(f"{mantissa}e{exponent}"), max(0, -exponent)
