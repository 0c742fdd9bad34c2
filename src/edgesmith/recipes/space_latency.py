"""Latency of a space's networks on a device: a cost model fitted to some that were measured in one session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

import numpy as np

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import BudgetError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.devices.across import Target
from edgesmith.devices.blocks.gate import kendall_tau
from edgesmith.devices.plan import QUICK, Plan
from edgesmith.recipes.untrained import measure_specs
from edgesmith.search.cost_model import CostModel, fit_cost_model, left_out_errors
from edgesmith.search.limited import LimitedSpace
from edgesmith.search.limits import Limits

# Drawn from everywhere, then from where the search will look.
_SCOUTS: Final = 10
_NEAR: Final = 18
_DRAWS: Final = 1500
_REACH: Final = (0.5, 1.15)
_CLIMBS: Final = 8
# Of the budget: what takes less is left to the zoo.
FLOOR: Final = 0.9
# A model with a larger error than this ranks little better than multiply-adds do.
_TRUSTED: Final = 0.10


@dataclass(frozen=True, kw_only=True)
class SpaceLatency:
    """What is known of latency in a space.

    Attributes:
        model: From costs to milliseconds.
        error: Root mean square of its relative errors on nets that were left out of its fit.
        tau: Kendall's, of left-out estimates with what was measured.
        nets: How many it was fitted to.
        device: Where they were measured.
        contended: Whether the machine was busy meanwhile.
    """

    model: CostModel
    error: float
    tau: float
    nets: int
    device: str
    contended: bool

    def describe(self) -> str:
        """One line for people."""
        line = (
            f"latency of candidates: from their costs, fitted to {self.nets} networks measured on {self.device}; "
            f"left-out error {self.error:.1%}, tau {self.tau:.2f}"
        )
        doubt = "; too far off to rank by, only what is measured counts" if self.error > _TRUSTED else ""
        return line + doubt + ("; the machine was busy" if self.contended else "")

    def to_json(self) -> dict[str, Any]:
        """What the run folder keeps."""
        return to_dict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return from_dict(cls, data)


def learn_latency(
    space: StagedSpace,
    target: Target,
    *,
    budget_ms: float,
    known: Sequence[NetSpec] = (),
    seed: int,
    plan: Plan = QUICK,
    progress: Progress = SILENT,
) -> SpaceLatency:
    """Measure some networks of a space and fit a cost model to them.

    First a few from everywhere; then, where their model sees networks near the budget, more of these. All are
    measured in one session in the end, side by side, so that a machine that is busier at one time than at another
    does not look like a property of networks.

    Args:
        space: Whose networks.
        target: Where latency counts.
        budget_ms: Where the search will look, in milliseconds.
        known: Networks to measure besides, such as the zoo's.
        seed: Draws networks.
        plan: How precisely to measure.
        progress: Told of each stage.

    Raises:
        BudgetError: Not even the smallest network meets the budget; says what it takes.
    """
    rng = generator(seed, "latency")
    smallest = space.decode(cheapest_point(space))
    scouts = [smallest, *known, *(space.decode(space.sample(rng)) for _ in range(_SCOUTS))]
    scouted = measure_specs(scouts, target, plan=plan, progress=progress)
    if scouted[0].low_ms > budget_ms:
        raise too_slow(space, scouted[0].ms, str(target), budget_ms)
    rough = fit_cost_model(scouts, [each.ms for each in scouted])
    near: dict[str, NetSpec] = {}
    for _ in range(_DRAWS):
        spec = space.decode(space.sample(rng))
        if _REACH[0] <= rough.estimate_ms(spec) / budget_ms <= _REACH[1]:
            near[spec.name] = spec
        if len(near) == _NEAR:
            break
    nets = [*scouts, *near.values()]
    measured = measure_specs(nets, target, plan=plan, progress=progress)
    ms = [each.ms for each in measured]
    errors = left_out_errors(nets, ms)
    return SpaceLatency(
        model=fit_cost_model(nets, ms),
        error=float(np.sqrt(np.mean(errors**2))),
        tau=kendall_tau((np.array(ms) * (1 + errors)).tolist(), ms),
        nets=len(nets),
        device=str(target),
        contended=any(each.contended for each in measured),
    )


def too_slow(space: StagedSpace, ms: float, device: str, budget_ms: float) -> BudgetError:
    """What is said where nothing in a space is fast enough."""
    return BudgetError(
        f"no network of space {space.name} meets {budget_ms:.3g} ms: the smallest takes {ms:.3g} ms on {device}; "
        "raise --budget or choose another --space"
    )


def cheapest_point(space: StagedSpace) -> Encoding:
    """The first option of every choice, as spaces list the cheapest first.

    Which of a task's heads is the cheapest depends on the classes: of theirs those of fewest multiply-adds are taken.
    """
    point = space.normal((0,) * len(space.choices))
    for place in range(len(space.choices) - len(space.ending.choices), len(space.choices)):
        options = range(len(space.choices[place].options))
        points = [space.normal((*point[:place], option, *point[place + 1 :])) for option in options]
        point = min(points, key=lambda each: count_total(space.decode(each)).madds)
    return point


def make_limit(
    space: StagedSpace, latency: SpaceLatency, limits: Limits, *, floor_ms: float = 0.0
) -> Callable[[Encoding], bool]:
    """Whether a point keeps the limits, by its estimated latency and its counts; asked often, so answers are kept.

    Args:
        space: Of the points.
        latency: Estimates.
        limits: None may be exceeded.
        floor_ms: What is faster is left out too.
    """

    @lru_cache(maxsize=200_000)
    def keeps(point: Encoding) -> bool:
        spec = space.decode(point)
        ms = latency.model.estimate_ms(spec)
        return ms >= floor_ms and limits.excess(spec, ms) <= 0

    return keeps


def point_of_at_least(
    space: StagedSpace, latency: SpaceLatency, limits: Limits, floor_ms: float, *, seed: int
) -> Encoding:
    """A point within the limits that takes ``floor_ms``, or the slowest that was found on the way there.

    From the cheapest one up, one option at a time.
    """
    keeps, rng = make_limit(space, latency, limits), generator(seed, "floor")
    point, number = cheapest_point(space), len(space.choices)
    for place in (place for _ in range(_CLIMBS) for place in rng.permutation(number).tolist()):
        if latency.model.estimate_ms(space.decode(point)) >= floor_ms:
            break
        if point[place] + 1 < len(space.choices[place].options):
            higher = space.normal((*point[:place], point[place] + 1, *point[place + 1 :]))
            point = higher if keeps(higher) else point
    return point


def limit_space(space: StagedSpace, latency: SpaceLatency, limits: Limits, *, floor: float = FLOOR) -> LimitedSpace:
    """The part of a space that keeps the limits by its estimates, and uses most of the latency.

    A short training favours what learns fast, which small networks do; trained for long they come out below those that
    use the budget. What takes less than ``floor`` of it is therefore not tried, where anything takes more.

    Raises:
        BudgetError: Not even the smallest network does; says what it takes.
    """
    keeps, smallest = make_limit(space, latency, limits), cheapest_point(space)
    if not keeps(smallest):
        spec = space.decode(smallest)
        ms = latency.model.estimate_ms(spec)
        if ms > limits.latency_ms:
            raise too_slow(space, ms, latency.device, limits.latency_ms)
        raise BudgetError(f"no network of space {space.name} keeps --max-size and --max-memory; raise them")

    def costs(points: Sequence[Encoding]) -> list[float]:
        return [latency.model.estimate_ms(space.decode(point)) for point in points]

    floor_ms = floor * limits.latency_ms
    origin = point_of_at_least(space, latency, limits, floor_ms, seed=0)
    if latency.model.estimate_ms(space.decode(origin)) < floor_ms:
        return LimitedSpace(space, keeps, origin=smallest, costs=costs)
    return LimitedSpace(space, make_limit(space, latency, limits, floor_ms=floor_ms), origin=origin, costs=costs)
