"""Where latency counts: one device, or several by the worst or the mean of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from types import MappingProxyType
from typing import Final

from edgesmith.core.table import lookup
from edgesmith.deploy.base import INT8
from edgesmith.devices.results import Latency

WORST: Final = "worst"
MEAN: Final = "mean"


def _worst(latencies: Sequence[Latency]) -> Latency:
    return max(latencies, key=lambda each: each.high_ms)


def _mean(latencies: Sequence[Latency]) -> Latency:
    """Ends of intervals are averaged too: the mean of several is known no worse than that."""
    return replace(
        latencies[0],
        device=f"mean of {', '.join(each.device for each in latencies)}",
        ms=fmean(each.ms for each in latencies),
        low_ms=fmean(each.low_ms for each in latencies),
        high_ms=fmean(each.high_ms for each in latencies),
        contended=any(each.contended for each in latencies),
    )


WAYS: Final[Mapping[str, Callable[[Sequence[Latency]], Latency]]] = MappingProxyType({WORST: _worst, MEAN: _mean})


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where latency counts.

    Attributes:
        device: One device or several with commas between, as typed.
        across: How several make one latency: ``worst`` or ``mean``.

    Raises:
        UsageError: ``across`` is neither.
    """

    device: str
    across: str = WORST

    def __post_init__(self) -> None:
        lookup(WAYS, self.across, what="way across devices")

    def __str__(self) -> str:
        return f"the {self.across} of {self.device}" if self.is_many else self.device

    @property
    def is_many(self) -> bool:
        """Whether there are several devices."""
        return "," in self.device

    @property
    def is_int8(self) -> bool:
        """Whether a device takes int8 files."""
        return any(INT8 in text.split(":")[1:] for text in self.device.split(","))

    def combine(self, latencies: Sequence[Latency]) -> tuple[Latency, ...]:
        """One latency for each subject.

        Args:
            latencies: Of every device each subject's, all in the same order of subjects.
        """
        by_device: dict[str, list[Latency]] = {}
        for each in latencies:
            by_device.setdefault(each.device, []).append(each)
        return tuple(WAYS[self.across](group) for group in zip(*by_device.values(), strict=True))
