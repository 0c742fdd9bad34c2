"""Hard limits of what is returned: latency, the size of the file, memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError

_FLOAT_BYTES: Final = 4


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What no returned network may exceed; None is no limit.

    Attributes:
        latency_ms: Of one picture on the device.
        size_bytes: Of the weights as float32, which nearly are the file.
        memory_bytes: Of activations at the peak, as float32.
    """

    latency_ms: float
    size_bytes: int | None = None
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        for name in ("latency_ms", "size_bytes", "memory_bytes"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UsageError(f"{name} must be more than zero, got {value:g}")

    def excess(self, spec: NetSpec, ms: float) -> float:
        """How far the limit is exceeded that is exceeded most, as a share of it; 0 where all are kept.

        Args:
            spec: The network.
            ms: Its latency, measured or estimated.
        """
        cost = count_total(spec)
        return self.excess_of(ms, parameters=cost.parameters, peak_bytes=cost.peak_bytes)

    def excess_of(self, ms: float, *, parameters: float, peak_bytes: float) -> float:
        """The same of a network that is known by its numbers."""
        ratios = [ms / self.latency_ms]
        if self.size_bytes is not None:
            ratios.append(parameters * _FLOAT_BYTES / self.size_bytes)
        if self.memory_bytes is not None:
            ratios.append(peak_bytes / self.memory_bytes)
        return max(0.0, max(ratios) - 1)
