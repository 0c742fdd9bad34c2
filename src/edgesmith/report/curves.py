"""Training curves: small line charts that share a look."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgesmith.report.axes import Axis, Frame, drawing, grid, write_percent, write_thousands
from edgesmith.report.markup import Html, element, join
from edgesmith.report.plotted import Curve, CurvePanel
from edgesmith.report.scale import linear_scale

_MOST_POINTS = 120

Points = list[tuple[float, float]]


def draw_curves(panel: CurvePanel, *, identifier: str, width: float = 264, height: float = 200) -> Html:
    """One panel: a caption that names the curves, and the lines.

    Values that are not finite are left out; a panel without any gives a line that says so.
    """
    curves = [(curve, thin(curve)) for curve in panel.curves]
    known = [point for _, points in curves for point in points]
    if not known:
        return element("p", {"class": "quiet"}, f"{panel.title}: nothing was recorded.")
    frame = Frame(width=width, height=height, left=46, right=width - 12, top=22, bottom=height - 46)
    x = linear_scale([0.0, *(x for x, _ in known)], start_px=frame.left, end_px=frame.right, num_ticks=4)
    y = linear_scale((y for _, y in known), start_px=frame.bottom, end_px=frame.top, num_ticks=4)
    write = write_percent if panel.as_percent else "{:g}".format
    lines = [
        _line(index, curve, [(x.place(a), y.place(b)) for a, b in points])
        for index, (curve, points) in enumerate(curves)
    ]
    picture = drawing(
        identifier,
        grid(
            frame, x=Axis(scale=x, title=panel.x_label, write=write_thousands), y=Axis(scale=y, title="", write=write)
        ),
        *lines,
        title=panel.title,
        description=" ".join(
            _summary(curve, points, as_percent=panel.as_percent) for curve, points in curves if points
        ),
        width=width,
        height=height,
    )
    return element("figure", {"class": "panel"}, element("figcaption", {}, panel.title, _keys(panel.curves)), picture)


def thin(curve: Curve, *, most: int = _MOST_POINTS) -> Points:
    """The finite points, averaged in equal groups when there are more than ``most``."""
    points = [(x, y) for x, y in zip(curve.xs, curve.ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
    size = math.ceil(len(points) / most) or 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def _line(index: int, curve: Curve, points: Points) -> Html:
    """The line; a curve of one point is a dot."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    drawn = element("polyline", {"points": path})
    if len(points) == 1:
        x, y = points[0]
        drawn = element("circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3"})
    return element("g", {"class": f"curve curve-{index % 3}"}, element("title", {}, curve.label), drawn)


def _keys(curves: Sequence[Curve]) -> Html:
    """The names of the curves with a sample of each line; none for a curve that stands alone."""
    if len(curves) < 2:
        return join([])
    sample = {"class": "key-line", "viewBox": "0 0 22 8", "aria-hidden": "true"}
    keys = [
        element(
            "span",
            {"class": f"key curve curve-{index % 3}"},
            element("svg", sample, element("polyline", {"points": "1,4 21,4"})),
            curve.label,
        )
        for index, curve in enumerate(curves)
    ]
    return element("span", {"class": "keys"}, *keys)


def _summary(curve: Curve, points: Points, *, as_percent: bool) -> str:
    write = write_percent if as_percent else "{:.3g}".format
    first, last = points[0][1], points[-1][1]
    return f"{curve.label}: from {write(round(first, 4))} to {write(round(last, 4))}."
