"""What a fit leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgesmith.arch.spec import NetSpec


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What a fit leaves behind; `to_json` is the documented JSON."""

    bundle: Path
    report: Path
    budget_ms: float
    met: bool
    latency: tuple[Mapping[str, Any], ...]
    metrics: Mapping[str, Any]
    spec: NetSpec
    forecast_s: float
    actual_s: float
    summary: tuple[str, ...]
    candidates: tuple[Mapping[str, Any], ...] | None = None
    int8: Mapping[str, Any] | None = None
    missed: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON of ``edgesmith fit --json``.

        After a search with every candidate that was tried; with ``missed`` where the race's winner missed the budget in
        the end, and another network of the race, which keeps it, is returned.
        """
        searched = {} if self.candidates is None else {"candidates": [dict(each) for each in self.candidates]}
        return {
            "bundle": str(self.bundle),
            "report": str(self.report),
            "budget_ms": self.budget_ms,
            "met": self.met,
            "latency": [dict(record) for record in self.latency],
            "metrics": dict(self.metrics),
            "spec": self.spec.to_json(),
            "forecast_s": self.forecast_s,
            "actual_s": self.actual_s,
            **searched,
            **({} if self.int8 is None else {"int8": dict(self.int8)}),
            **({} if self.missed is None else {"missed": dict(self.missed)}),
        }
