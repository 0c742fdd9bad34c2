"""Two models on the same pictures: how far apart their figures are, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from edgesmith.core.seed import generator
from edgesmith.tasks.base import Metric

BETTER: Final = "better"
WORSE: Final = "worse"
TIE: Final = "tie"
# Resamples of the pictures. A mean average precision of each takes a tenth of a second.
_DRAWS: Final[Mapping[str, int]] = MappingProxyType({"classification": 2000, "segmentation": 1000, "detection": 100})


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much more of its task's figure one model reaches than another on the same pictures.

    Attributes:
        value: Of all pictures, -1..1.
        low: Lower end of its 95 % interval over the same draws of pictures for both.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, or ``tie`` where the interval holds zero."""
        if self.low <= 0 <= self.high:
            return TIE
        return BETTER if self.value > 0 else WORSE

    def to_json(self) -> dict[str, Any]:
        """With the verdict."""
        return {"difference": self.value, "low": self.low, "high": self.high, "verdict": self.verdict}


def figure_in(metric: Metric, count: int) -> float:
    """The task's figure on all pictures that were counted."""
    return float(metric.resampled(np.arange(count)[None])[0])


def difference(one: Metric, other: Metric, *, task: str, count: int) -> Difference:
    """Compare two models that answered to the same pictures in the same order.

    Args:
        one: Has counted the first model's answers.
        other: Has counted the second's.
        task: Their task.
        count: Pictures.
    """
    places = generator(0, "bootstrap").integers(0, count, (_DRAWS[task], count))
    low, high = np.quantile(one.resampled(places) - other.resampled(places), [0.025, 0.975])
    return Difference(value=figure_in(one, count) - figure_in(other, count), low=float(low), high=float(high))
