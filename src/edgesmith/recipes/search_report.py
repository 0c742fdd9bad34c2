"""A search's story as the plain values of its report."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import Final

import numpy as np

from edgesmith.arch.spec import NetSpec
from edgesmith.core.bootstrap import interval_of_share
from edgesmith.core.seed import generator
from edgesmith.devices.blocks.gate import kendall_tau
from edgesmith.recipes.search_result import Search, Tried
from edgesmith.report import plotted
from edgesmith.search.front import front_of
from edgesmith.tasks.figures import figure_for

# With fewer an order says nothing.
_RANKED: Final = 4


def tell_search(search: Search, budget_ms: float, num_held: int) -> plotted.SearchFacts:
    """What the search did, for readers.

    Args:
        search: The search.
        budget_ms: The budget in milliseconds.
        num_held: Pictures that figures are of.
    """
    figure = figure_for(search.task).label
    arms = [(name, list(rows)) for name, rows in groupby(search.tried, key=lambda each: each.by)]
    lines = [
        f"Space {search.space.name}: {_magnitude(search.space.size)} networks.",
        f"{search.latency.describe().capitalize()}.",
        f"Forecast: {search.plan}. Tried: {', '.join(f'{len(rows)} of {name}' for name, rows in arms)}.",
        *_agreement(search),
        *([] if search.agreement is None else [f"{search.agreement[0].upper()}{search.agreement[1:]}."]),
        *(_best(name, rows, budget_ms, num_held, figure) for name, rows in arms),
        *(f"Not evaluated: {failure}." for failure in search.failed),
    ]
    front = {spec.name for spec in front_specs(search)}
    return plotted.SearchFacts(
        metric=figure,
        lines=tuple(lines),
        points=tuple(_point(each, num_held, on_front=each.spec.name in front) for each in search.tried),
        best_so_far=plotted.CurvePanel(
            title=f"Best {figure} so far within the budget",
            x_label="candidates tried",
            as_percent=True,
            curves=tuple(_curve(name, rows, budget_ms) for name, rows in arms),
        ),
    )


def front_specs(search: Search) -> list[NetSpec]:
    """Networks that no other candidate beats in both figures."""
    return [search.tried[place].spec for place in _front(search.tried)]


def _point(tried: Tried, num_held: int, *, on_front: bool) -> plotted.SearchPoint:
    low, high = _interval(tried, num_held) if on_front else (None, None)
    return plotted.SearchPoint(
        name=tried.spec.name,
        by=tried.by,
        ms=tried.estimated_ms,
        accuracy=tried.accuracy,
        on_front=on_front,
        low=low,
        high=high,
    )


def _best(name: str, rows: Sequence[Tried], budget_ms: float, num_held: int, figure: str) -> str:
    within = [each for each in rows if each.estimated_ms <= budget_ms]
    if not within:
        return f"{name}: none of {len(rows)} within the budget."
    best = max(within, key=lambda each: each.accuracy)
    low, high = _interval(best, num_held)
    return (
        f"{name}: best of {len(rows)} {best.accuracy:.1%} {figure} ({low:.1%} to {high:.1%}) after its short "
        f"training, about {best.estimated_ms:.2f} ms."
    )


def _agreement(search: Search) -> list[str]:
    """How far estimates of latency and end-to-end measurements order the finalists alike."""
    estimated = {each.spec.name: each.estimated_ms for each in search.tried}
    measured = [*search.finalists, *search.too_slow]
    if len(measured) < _RANKED:
        return []
    guesses, times = [estimated[each.spec.name] for each in measured], [each.latency.ms for each in measured]
    error = float(np.median(np.abs(np.array(guesses) / np.array(times) - 1)))
    return [
        f"Estimated and measured latency of the {len(measured)} finalists, which lie close together: Kendall's tau "
        f"{kendall_tau(guesses, times):.2f}, median error {error:.1%}."
    ]


def _interval(tried: Tried, num_held: int) -> tuple[float, float]:
    """As it was scored; of a share of pictures, whose interval was not kept, from their number."""
    if tried.low is not None and tried.high is not None:
        return tried.low, tried.high
    right = round(tried.accuracy * num_held)
    interval = interval_of_share([True] * right + [False] * (num_held - right), rng=generator(0, "search"))
    return interval.low, interval.high


def _curve(name: str, rows: Sequence[Tried], budget_ms: float) -> plotted.Curve:
    scores = [each.accuracy if each.estimated_ms <= budget_ms else 0.0 for each in rows]
    best = list(accumulate(scores, max))
    return plotted.Curve(label=name, xs=tuple(map(float, range(1, len(best) + 1))), ys=tuple(best))


def _front(tried: Sequence[Tried]) -> list[int]:
    return [int(place) for place in front_of(np.array([(each.accuracy, -each.estimated_ms) for each in tried]))]


def _magnitude(count: int) -> str:
    digits = len(str(count)) - 1
    return f"{count:,}" if digits < 6 else f"about 10^{digits}"
