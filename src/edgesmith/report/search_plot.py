"""The plot of a search: every candidate that was tried, by strategy, and the budget."""

from __future__ import annotations

from collections.abc import Sequence

from edgesmith.report.axes import Axis, Frame, drawing, grid, line, text, write_percent
from edgesmith.report.content import FitReport
from edgesmith.report.markup import Html, element, join
from edgesmith.report.plotted import SearchPoint
from edgesmith.report.scale import Scale, linear_scale
from edgesmith.report.wording import format_ms, format_share

_RADIUS_PX = 4.0
_FRONT_PX = 6.0


def draw_search(report: FitReport, *, width: float, height: float) -> Html:
    """The plot at the given size.

    Candidates that no other one beats in both figures are larger and joined, with their accuracy's interval where it
    is known.
    """
    assert report.search is not None, "only a report of a search has this plot"
    points = report.search.points
    frame = Frame(width=width, height=height, left=48, right=width - 18, top=44, bottom=height - 50)
    limit = report.budget.latency_ms
    known = [*(each.ms for each in points), *([] if limit is None else [limit])]
    x = linear_scale(known, start_px=frame.left, end_px=frame.right, num_ticks=4 if width < 500 else 7)
    front = [each for each in points if each.on_front]
    ends = [end for each in front for end in (each.low, each.high) if end is not None]
    y = linear_scale([*ends, *(each.accuracy for each in points)], start_px=frame.bottom, end_px=frame.top)
    strategies = list(dict.fromkeys(each.by for each in points))
    budget = join([])
    if limit is not None:
        at = x.place(limit)
        label = text(at - 6, frame.top - 10, f"budget {limit:g} ms", kind="budget-label", anchor="end")
        budget = join([line(at, frame.top - 20, at, frame.bottom, kind="budget"), label])
    return drawing(
        f"search-{width:g}",
        grid(
            frame,
            x=Axis(scale=x, title="estimated latency in ms"),
            y=Axis(scale=y, title=f"{report.search.metric} after a short training", write=write_percent),
        ),
        budget,
        _front(front, x, y),
        join(_whisker(each, x, y) for each in front),
        join(_point(each, strategies.index(each.by), x, y) for each in points),
        title="Candidates of the search",
        description=" ".join(report.search.lines),
        width=width,
        height=height,
    )


def _front(points: Sequence[SearchPoint], x: Scale, y: Scale) -> Html:
    ordered = sorted(points, key=lambda each: each.ms)
    path = " ".join(f"{x.place(each.ms):.1f},{y.place(each.accuracy):.1f}" for each in ordered)
    return element("polyline", {"class": "front", "points": path}) if len(ordered) > 1 else join([])


def _whisker(point: SearchPoint, x: Scale, y: Scale) -> Html:
    """The accuracy's interval; points off the front are too many for theirs."""
    if point.low is None or point.high is None:
        return join([])
    at = x.place(point.ms)
    return line(at, y.place(point.low), at, y.place(point.high), kind="interval")


def _point(point: SearchPoint, strategy: int, x: Scale, y: Scale) -> Html:
    interval = ""
    if point.low is not None and point.high is not None:
        interval = f" ({format_share(point.low)} to {format_share(point.high)} %)"
    words = f"{point.name}\n{point.by}\n{format_share(point.accuracy)} %{interval}, about {format_ms(point.ms)} ms"
    return element(
        "circle",
        {
            "class": f"tried tried-{strategy % 3}",
            "cx": x.place(point.ms),
            "cy": y.place(point.accuracy),
            "r": _FRONT_PX if point.on_front else _RADIUS_PX,
        },
        element("title", {}, words),
    )
