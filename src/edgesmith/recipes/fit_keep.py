"""A fit whose last file misses the budget: a second look beside networks of the race, and who of them keeps it now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from edgesmith.core.progress import SILENT, Progress
from edgesmith.devices.across import Target
from edgesmith.devices.results import Latency, Measurement
from edgesmith.recipes.candidates import Measured
from edgesmith.recipes.fit_race import Race
from edgesmith.recipes.measure import LONG, measure_models
from edgesmith.recipes.models import Model
from edgesmith.recipes.net_forms import deployed


@dataclass(frozen=True, kw_only=True)
class SecondLook:
    """A file that missed its budget, measured once more, side by side with networks that had been measured before.

    Attributes:
        latency: Of the file.
        measurement: Of the file, on every device.
        drift: How many times as long as when they were chosen the other networks take now, in the middle: what has
            become of the machine, not of the file. None without any.
        keeping: Names of those that keep the budget now, the best of the race first.
    """

    latency: Latency
    measurement: Measurement
    drift: float | None
    keeping: tuple[str, ...]

    def describe(self, budget_ms: float) -> str:
        """One line for people."""
        drift = "" if self.drift is None else f"; other networks take {self.drift:.2f} times what they took at first"
        return (
            f"measured once more: {self.latency.ms:.3g} ms ({self.latency.low_ms:.3g} to {self.latency.high_ms:.3g}) "
            f"for a budget of {budget_ms:.3g} ms{drift}"
        )


def rivals_of(race: Race, contenders: Sequence[Measured], winner: str) -> tuple[Measured, ...]:
    """Networks of the race that were faster than its winner when they were chosen, the best first."""
    known = {each.spec.name: each for each in contenders}
    standings = race.standings
    faster = [
        name for name in standings if name != winner and known[name].latency.high_ms < known[winner].latency.high_ms
    ]
    return tuple(known[name] for name in sorted(faster, key=lambda name: _merit(race, name), reverse=True))


def look_again(
    model: Model, rivals: Sequence[Measured], target: Target, budget_ms: float, *, progress: Progress = SILENT
) -> SecondLook:
    """Measure a model that missed its budget and its rivals in one session, for long.

    Args:
        model: With its bundle.
        rivals: From `rivals_of`; on a device of int8 files none, which they have not.
        target: Where latency counts.
        budget_ms: The budget in milliseconds.
        progress: Told of each stage.
    """
    others = [Model(name=each.spec.name, spec=deployed(each.spec)) for each in rivals]
    found = measure_models([model, *others], target.device, plan=LONG, progress=progress)
    latency, *rest = target.combine(found.latency)
    pairs = list(zip(rivals, rest, strict=True))
    return SecondLook(
        latency=latency,
        measurement=replace(found, latency=found.latency[:: 1 + len(others)], comparisons=()),
        drift=median(now.ms / rival.latency.ms for rival, now in pairs) if pairs else None,
        keeping=tuple(rival.spec.name for rival, now in pairs if now.high_ms <= budget_ms),
    )


def missed_json(name: str, bundle: str, look: SecondLook) -> dict[str, Any]:
    """What the JSON of a fit says of a network that was trained and is not returned."""
    return {
        "name": name,
        "bundle": bundle,
        "latency": [each.to_dict() for each in look.measurement.latency],
        "drift": look.drift,
    }


def _merit(race: Race, name: str) -> tuple[int, float]:
    standing = race.standings[name]
    return standing.rung, standing.score
