"""Which nets of the zoo meet a latency budget here: by cost first, then by measuring their exported graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import BudgetError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.devices.across import Target
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Latency
from edgesmith.recipes.untrained import measure_specs
from edgesmith.search.candidates import Kind, anchors, kind_of, shortlist
from edgesmith.search.cost_model import fit_cost_model

# The final file is measured again, at another time; a candidate at the very edge could then miss the budget.
MARGIN: Final = 0.95
# Each round's measurements mend the cost model, and nets that turned out too slow make room for narrower ones.
_ROUNDS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A net with the latency of its exported graph."""

    spec: NetSpec
    latency: Latency

    def to_json(self) -> dict[str, Any]:
        """What the run folder keeps."""
        return {"spec": self.spec.to_json(), "latency": to_dict(self.latency)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(spec=NetSpec.from_json(data["spec"]), latency=from_dict(Latency, data["latency"]))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The outcome of the first two hurdles.

    Attributes:
        fitting: Nets whose measured latency is within the budget, those with most multiply-adds first.
        too_slow: Nets that were measured and are not.
        too_costly: Nets and estimates that were not worth a measurement: of each name and resolution the narrowest.
    """

    fitting: tuple[Measured, ...]
    too_slow: tuple[Measured, ...]
    too_costly: tuple[tuple[NetSpec, float], ...]

    def to_json(self) -> dict[str, Any]:
        """What the run folder keeps."""
        return {
            "fitting": [each.to_json() for each in self.fitting],
            "too_slow": [each.to_json() for each in self.too_slow],
            "too_costly": [[spec.to_json(), ms] for spec, ms in self.too_costly],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            fitting=tuple(Measured.from_json(each) for each in data["fitting"]),
            too_slow=tuple(Measured.from_json(each) for each in data["too_slow"]),
            too_costly=tuple((NetSpec.from_json(spec), ms) for spec, ms in data["too_costly"]),
        )


def choose(
    grid: Sequence[NetSpec],
    *,
    budget_ms: float,
    target: Target,
    count: int,
    plan: Plan,
    progress: Progress = SILENT,
) -> Choice:
    """Sort the grid by what fits.

    Args:
        grid: All candidates, the cheapest first.
        budget_ms: The budget in milliseconds.
        target: Where latency counts.
        count: How many nets to measure beyond the anchors of the cost model.
        plan: How precisely to measure.
        progress: Told of each stage.

    Raises:
        BudgetError: Not even the fastest net meets the budget; names it with its figure.
    """
    cheapest, *others = anchors(grid)
    known = _measure([cheapest], target, plan=plan, progress=progress)
    if known[0].latency.low_ms > budget_ms:
        raise _impossible(budget_ms, known[0])
    known = _measure_more(known, others, target, plan=plan, progress=progress)
    for _ in range(_ROUNDS):
        listed = shortlist(grid, _estimates(grid, known), budget_ms=budget_ms * MARGIN, count=count)
        names = {each.spec.name for each in known}
        fresh = [spec for spec in listed if spec.name not in names]
        if not fresh:
            break
        known = _measure_more(known, fresh, target, plan=plan, progress=progress)
    measured = {each.spec.name: each.latency.high_ms for each in known}
    widest = shortlist([each.spec for each in known], measured, budget_ms=budget_ms * MARGIN, count=count)
    by_name = {each.spec.name: each for each in known}
    fitting = [by_name[spec.name] for spec in widest]
    if not fitting:
        raise _impossible(budget_ms, min(known, key=lambda each: each.latency.high_ms))
    return Choice(
        fitting=tuple(fitting),
        too_slow=tuple(each for each in known if not _fits(each, budget_ms)),
        too_costly=_too_costly(grid, known, budget_ms),
    )


def _estimates(grid: Sequence[NetSpec], known: Sequence[Measured]) -> dict[str, float]:
    """The upper end of what was measured, and what a cost model of it says for the rest.

    Where another width of a network was measured, the model is off for both alike.
    """
    model = fit_cost_model([each.spec for each in known], [each.latency.high_ms for each in known])
    off: dict[Kind, list[tuple[int, float]]] = {}
    for each in known:
        ratio = each.latency.high_ms / model.estimate_ms(each.spec)
        off.setdefault(kind_of(each.spec), []).append((count_total(each.spec).madds, ratio))
    guesses = {}
    for spec in grid:
        madds = count_total(spec).madds
        _, ratio = min(off.get(kind_of(spec), [(madds, 1.0)]), key=lambda known: abs(known[0] - madds))
        guesses[spec.name] = ratio * model.estimate_ms(spec)
    return guesses | {each.spec.name: each.latency.high_ms for each in known}


def _measure(specs: Sequence[NetSpec], target: Target, *, plan: Plan, progress: Progress) -> list[Measured]:
    found = measure_specs(specs, target, plan=plan, progress=progress)
    return [Measured(spec=spec, latency=latency) for spec, latency in zip(specs, found, strict=True)]


def _measure_more(
    known: Sequence[Measured], specs: Sequence[NetSpec], target: Target, *, plan: Plan, progress: Progress
) -> list[Measured]:
    """Networks in another session, and the earlier ones at its pace, which the first of them tells in both.

    A shared machine may be twice as slow a minute later: set against each other as they are, figures of two sessions
    would prefer what was measured in the slower one.
    """
    if not specs:
        return list(known)
    first, *found = _measure([known[0].spec, *specs], target, plan=plan, progress=progress)
    pace = first.latency.ms / known[0].latency.ms
    return [first, *(replace(each, latency=each.latency.at_pace(pace)) for each in known[1:]), *found]


def _fits(measured: Measured, budget_ms: float) -> bool:
    return measured.latency.high_ms <= budget_ms * MARGIN


def _impossible(budget_ms: float, fastest: Measured) -> BudgetError:
    latency = fastest.latency
    return BudgetError(
        f"no candidate meets {budget_ms:g} ms on {latency.device}: the fastest, {fastest.spec.name}, takes "
        f"{latency.ms:.3g} ms ({latency.low_ms:.3g} to {latency.high_ms:.3g}); raise --budget"
    )


def _too_costly(
    grid: Sequence[NetSpec], known: Sequence[Measured], budget_ms: float
) -> tuple[tuple[NetSpec, float], ...]:
    """Of each network and resolution the narrowest that was not worth a measurement."""
    measured, estimates = {each.spec.name for each in known}, _estimates(grid, known)
    found: dict[Kind, tuple[NetSpec, float]] = {}
    for spec in grid:
        if spec.name not in measured and estimates[spec.name] > budget_ms * MARGIN:
            found.setdefault(kind_of(spec), (spec, estimates[spec.name]))
    return tuple(found.values())
