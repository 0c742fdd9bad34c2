"""What NetAdapt leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgesmith.arch.spec import NetSpec


@dataclass(frozen=True, kw_only=True)
class NetAdaptResult:
    """A finished run; `to_json` is the documented JSON.

    Attributes:
        bundle: The final network.
        report: The page.
        budget_ms: The limit, in milliseconds of the session that measured the final file.
        met: Whether the upper end of its interval is within the budget.
        latency: The final file's records.
        metrics: Of the final file on the evaluation split.
        spec: The final network.
        forecast_s: What the run was thought to take.
        actual_s: What it took.
        candidates: Every proposal, in the order tried.
        steps: Bundles of the accepted steps, the tuned seed first.
        sizes: Parameters, multiply-adds, bytes and milliseconds of the seed and of the final network.
        summary: Lines for a terminal.
    """

    bundle: Path
    report: Path
    budget_ms: float
    met: bool
    latency: tuple[Mapping[str, Any], ...]
    metrics: Mapping[str, Any]
    spec: NetSpec
    forecast_s: float
    actual_s: float
    candidates: tuple[Mapping[str, Any], ...]
    steps: tuple[Path, ...]
    sizes: Mapping[str, Mapping[str, Any]]
    summary: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON of ``edgesmith netadapt --json``."""
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
            "candidates": [dict(each) for each in self.candidates],
            "steps": [str(step) for step in self.steps],
            "sizes": {name: dict(values) for name, values in self.sizes.items()},
        }


def candidate_json(row: Mapping[str, Any], *, key: str, split: str) -> dict[str, Any]:
    """A line of the step table as the JSON has it; ``key`` is the name of the task's figure."""
    metrics = {} if row["accuracy"] is None else {key: row["accuracy"], "split": split}
    kept = ("model_hash", "latency", "accepted", "step", "change", "channels", "to_channels")
    return {key: row[key] for key in kept} | {
        "metrics": metrics,
        "predicted_ms": row["predicted_ms"],
        "measured_ms": row["measured_ms"],
        "note": row["note"],
    }
