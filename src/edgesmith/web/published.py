"""The published MobileNets beside a run's candidates: ImageNet accuracy against multiply-adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from edgesmith.arch.cost import count_total
from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.report.axes import Axis, Frame, drawing, grid, line, text, write_percent
from edgesmith.report.content import CandidateRow
from edgesmith.report.markup import Html, element, join
from edgesmith.report.scale import Scale, linear_scale, linear_ticks
from edgesmith.report.wording import format_count, format_share

_FAMILIES: Final = (("mobilenet_v1", "V1"), ("mobilenet_v2", "V2"), ("mobilenet_v3", "V3"), ("mobilenet_v4", "V4"))


class Point(NamedTuple):
    """A network with what its publication says of it."""

    family: str
    name: str
    madds: int
    top1: float
    source: str


@lru_cache(maxsize=1)
def published_points() -> tuple[Point, ...]:
    """Every published variant of MobileNetV1 to V4 with an ImageNet accuracy."""
    found = []
    for start, family in _FAMILIES:
        for name in (name for name in MODELS if name.startswith(start)):
            for each in MODELS[name].published:
                if each.top1 is None or each.data != "ImageNet":
                    continue
                model = f"{name}@{each.options}" if each.options else name
                found.append(Point(family, model, count_total(find(model)).madds, each.top1, each.source))
    return tuple(found)


def draw_published(candidates: Sequence[CandidateRow], *, width: float, height: float) -> Html:
    """Published points by family; the run's own candidates are ticks at the foot, since they saw other pictures."""
    points = published_points()
    frame = Frame(width=width, height=height, left=48, right=width - 18, top=28, bottom=height - 50)
    known = [*(point.madds for point in points), *(row.madds for row in candidates)]
    x = _log_scale(min(known) / 1e6, max(known) / 1e6, frame)
    y = linear_scale([point.top1 for point in points], start_px=frame.bottom, end_px=frame.top)
    axes = grid(
        frame,
        x=Axis(scale=x, title="million multiply-adds, logarithmic", write=lambda tick: f"{2**tick:g}"),
        y=Axis(scale=y, title="published top-1 on ImageNet", write=write_percent),
    )
    ticks = [
        element(
            "g",
            {"class": f"dropped {row.outcome.name.lower()}"},
            element("title", {}, f"{number}. {row.name}, {format_count(row.madds)} multiply-adds"),
            line(at, frame.bottom - 10, at, frame.bottom, kind="dropped-tick"),
        )
        for number, row in enumerate(candidates, start=1)
        for at in [x.place(math.log2(max(row.madds, 1) / 1e6))]
    ]
    return drawing(
        f"published-{width:g}",
        axes,
        *[_mark(point, x, y) for point in points],
        *ticks,
        title="The published MobileNets",
        description=". ".join(_best(family, points) for _, family in _FAMILIES),
        width=width,
        height=height,
    )


def _log_scale(low: float, high: float, frame: Frame) -> Scale:
    """Powers of two."""
    ticks = linear_ticks(math.floor(math.log2(low)), math.ceil(math.log2(high)), num_ticks=6)
    return Scale(ticks=ticks, start_px=frame.left, end_px=frame.right)


def _mark(point: Point, x: Scale, y: Scale) -> Html:
    at_x, at_y = x.place(math.log2(point.madds / 1e6)), y.place(point.top1)
    words = (
        f"{point.name}\n{format_share(point.top1)} % on ImageNet ({point.source})\n{format_count(point.madds)} madds"
    )
    circle = element("circle", {"cx": at_x, "cy": at_y, "r": 9.0})
    label = text(at_x, at_y + 4, point.family[1:], kind="number", anchor="middle")
    return element(
        "g", {"class": f"family family-{point.family[1:]}"}, element("title", {}, words), join([circle, label])
    )


def _best(family: str, points: Sequence[Point]) -> str:
    best = max((point for point in points if point.family == family), key=lambda point: point.top1, default=None)
    return "" if best is None else f"{family}: up to {format_share(best.top1)} % with {format_count(best.madds)}"
