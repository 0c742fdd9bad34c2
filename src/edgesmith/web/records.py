"""Records of bundles and results as far as pages show them: read from JSON that may lack anything."""

from __future__ import annotations

from collections.abc import Mapping

from edgesmith.report.content import Latency


def number_of(value: object) -> float | None:
    """A number; None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def latency_of(record: object) -> Latency | None:
    """A measured latency; None where its figures are not all there."""
    if not isinstance(record, Mapping):
        return None
    ms, low, high = (number_of(record.get(key)) for key in ("ms", "low_ms", "high_ms"))
    if ms is None or low is None or high is None:
        return None
    device, contended = str(record.get("device", "")), bool(record.get("contended"))
    return Latency(ms=ms, low_ms=low, high_ms=high, device=device, contended=contended)
