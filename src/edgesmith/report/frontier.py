"""The plot of accuracy against latency: every candidate with both intervals, the budget, and what won."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgesmith.report.axes import Axis, Frame, drawing, grid, line, text, write_percent
from edgesmith.report.content import Accuracy, CandidateRow, FitReport, Latency, Outcome
from edgesmith.report.labels import Box, Spot, choose_spot
from edgesmith.report.markup import Html, Link, element, join, link_to
from edgesmith.report.scale import Scale, linear_scale
from edgesmith.report.wording import (
    accuracy_interval,
    accuracy_words,
    fate_of_candidates,
    format_ms,
    format_share,
    latency_interval,
    verdict,
)

_REACH = 1.4
_ROW_PX = 20.0
_NUMBER_PX = 19.0
_FAR_PX = 74.0
_DISC_PX = 9.0
_CLEAR_PX = 6.0
_FAR_IN_ROW = 3
_MOST_FAR = 12


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A candidate that has both figures, so that it is a point."""

    number: int
    row: CandidateRow
    latency: Latency
    accuracy: Accuracy


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A candidate without a score, whose measured or estimated latency is known."""

    number: int
    row: CandidateRow
    ms: float


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Where the plot places a latency and an accuracy; its foot holds the ticks of those dropped before training."""

    frame: Frame
    x: Scale
    y: Scale
    foot_px: float


def draw_frontier(report: FitReport, *, width: float, height: float, link: Link | None = None) -> Html:
    """The plot at the given size.

    Candidates are marked by their number in the order tried. Those with a score are points. Those that were dropped
    before are ticks below, or numbers beside the axis where their latency is far beyond what the plot is about. One
    that has neither a measured nor an estimated latency cannot be placed. ``link`` gives the address of a candidate by
    its number.
    """
    scored, near, far = _sort_candidates(report)
    right = width - (_FAR_PX if far else 18)
    frame = Frame(width=width, height=height, left=48, right=right, top=56, bottom=height - 50)
    known = [*_latencies(report, scored), *(candidate.ms for candidate in near)]
    x = linear_scale(known, start_px=frame.left, end_px=frame.right, num_ticks=4 if width < 500 else 7)
    y = linear_scale(_accuracies(report, scored), start_px=frame.bottom, end_px=frame.top)
    rows = spread_rows([x.place(candidate.ms) for candidate in near], gap_px=_NUMBER_PX)
    num_rows = max([*(row + 1 for row in rows), math.ceil(len(far[:_MOST_FAR]) / _FAR_IN_ROW)], default=0)
    strip = 24 + _ROW_PX * num_rows if num_rows else 0.0
    plane = Plane(frame=frame, x=x, y=y, foot_px=frame.bottom + strip)
    result = f"{report.model.name} {verdict(report)}, {accuracy_words(report.accuracy)}"
    return drawing(
        f"frontier-{width:g}",
        _axes(report, plane),
        _budget(report, plane),
        _strip(near, rows, far, plane, link),
        join(_link(candidate, report, plane) for candidate in scored if candidate.row.outcome is Outcome.WINNER),
        join(_linked(candidate, _point(candidate, plane), link) for candidate in scored),
        _result(report, plane, scored),
        title="Accuracy against latency",
        description=f"{fate_of_candidates(report)}. {result}. The table of candidates holds the same figures.",
        width=width,
        height=height + strip,
        has_links=link is not None,
    )


def spread_rows(places_px: Sequence[float], *, gap_px: float) -> list[int]:
    """A row for each place, the first in which it keeps ``gap_px`` from the others of that row."""
    ends: list[float] = []
    rows = [0] * len(places_px)
    for index in sorted(range(len(places_px)), key=places_px.__getitem__):
        at = places_px[index]
        row = next((row for row, end in enumerate(ends) if at - end >= gap_px), len(ends))
        ends[row : row + 1] = [at]
        rows[index] = row
    return rows


def describe_candidate(number: int, row: CandidateRow) -> str:
    """Number, name, fate and figures, for a hover title."""
    parts = [f"{number}. {row.name}", f"{row.outcome}: {row.reason}"]
    if row.latency:
        parts.append(f"{format_ms(row.latency.ms)} ms ({latency_interval(row.latency)})")
    elif row.estimated_ms is not None:
        parts.append(f"about {format_ms(row.estimated_ms)} ms by estimate")
    if row.accuracy:
        parts.append(f"{format_share(row.accuracy.value)} % ({accuracy_interval(row.accuracy)})")
    return "\n".join(parts)


def _sort_candidates(report: FitReport) -> tuple[list[Scored], list[Dropped], list[Dropped]]:
    """Points with the winner painted last, ticks, and those too far to the right for a tick."""
    scored, dropped = [], []
    for number, row in enumerate(report.candidates, start=1):
        ms = row.latency.ms if row.latency else row.estimated_ms
        if row.latency and row.accuracy:
            scored.append(Scored(number=number, row=row, latency=row.latency, accuracy=row.accuracy))
        elif ms is not None:
            dropped.append(Dropped(number=number, row=row, ms=ms))
    scored.sort(key=lambda candidate: (candidate.row.outcome is Outcome.WINNER, candidate.accuracy.value))
    reach_ms = _REACH * max(_latencies(report, scored))
    near = [candidate for candidate in dropped if candidate.ms <= reach_ms]
    far = [candidate for candidate in dropped if candidate.ms > reach_ms]
    return scored, near, far


def _latencies(report: FitReport, scored: Sequence[Scored]) -> Iterator[float]:
    """What the plot is about: the result, the candidates that raced, the budget."""
    for latency in (report.latency, *(candidate.latency for candidate in scored)):
        yield from (latency.low_ms, latency.high_ms)
    if report.budget.latency_ms is not None:
        yield report.budget.latency_ms


def _accuracies(report: FitReport, scored: Sequence[Scored]) -> Iterator[float]:
    for accuracy in (report.accuracy, *(candidate.accuracy for candidate in scored)):
        yield from (accuracy.low, accuracy.high)


def _axes(report: FitReport, plane: Plane) -> Html:
    x = Axis(scale=plane.x, title=f"latency in ms ({report.latency.device})")
    y = Axis(scale=plane.y, title=f"{report.accuracy.metric} with 95 % interval", write=write_percent)
    return grid(plane.frame, x=x, y=y, ticks_y=plane.foot_px)


def _budget(report: FitReport, plane: Plane) -> Html:
    limit = report.budget.latency_ms
    if limit is None:
        return join([])
    at, top, right = plane.x.place(limit), plane.frame.top, plane.frame.right
    beyond = element("rect", {"class": "beyond", "x": at, "y": top, "width": right - at, "height": plane.foot_px - top})
    words = f"budget {limit:g} ms"
    label = (
        text(at + 6, top - 18, words, kind="budget-label")
        if right - at > 110
        else text(at - 6, top - 18, words, kind="budget-label", anchor="end")
    )
    return join([beyond, line(at, top - 28, at, plane.foot_px, kind="budget"), label])


def _strip(
    near: Sequence[Dropped], rows: Sequence[int], far: Sequence[Dropped], plane: Plane, link: Link | None
) -> Html:
    """Ticks of the dropped candidates, and at the right the numbers of those beyond the axis."""
    if not near and not far:
        return join([])
    first_row = plane.frame.bottom + 35
    marks = [text(plane.frame.left, plane.frame.bottom + 18, "dropped before training", kind="strip-label")]
    for candidate, row in zip(near, rows, strict=True):
        at, base = plane.x.place(candidate.ms), first_row + _ROW_PX * row
        tick = line(at, base - 11, at, base + 3, kind="dropped-tick")
        marks.append(_linked(candidate, _dropped(candidate, tick, _number(candidate, at + 4, base)), link))
    left = plane.frame.right + 14
    more = f"+{len(far) - _MOST_FAR} " if len(far) > _MOST_FAR else ""
    if far:
        words = f"{more}slower \N{RIGHTWARDS ARROW}"
        marks.append(text(left, plane.frame.bottom + 18, words, kind="strip-label"))
    for index, candidate in enumerate(far[:_MOST_FAR]):
        row, column = divmod(index, _FAR_IN_ROW)
        number = _number(candidate, left + _NUMBER_PX * column, first_row + _ROW_PX * row)
        marks.append(_linked(candidate, _dropped(candidate, number), link))
    return join(marks)


def _linked(candidate: Scored | Dropped, mark: Html, link: Link | None) -> Html:
    return link_to(None if link is None else link(candidate.number), mark)


def _number(candidate: Dropped, x: float, y: float) -> Html:
    return text(x, y, str(candidate.number), kind="dropped-number")


def _dropped(candidate: Dropped, *shapes: Html) -> Html:
    kind = "dropped" if candidate.row.latency else "dropped estimated"
    heading = element("title", {}, describe_candidate(candidate.number, candidate.row))
    return element("g", {"class": kind, "data-candidate": str(candidate.number)}, heading, *shapes)


def _cross(latency: Latency, accuracy: Accuracy, plane: Plane) -> Html:
    """Both intervals."""
    at_x, at_y = plane.x.place(latency.ms), plane.y.place(accuracy.value)
    across = line(plane.x.place(latency.low_ms), at_y, plane.x.place(latency.high_ms), at_y, kind="interval")
    return join([across, line(at_x, plane.y.place(accuracy.low), at_x, plane.y.place(accuracy.high), kind="interval")])


def _point(candidate: Scored, plane: Plane) -> Html:
    at_x, at_y = plane.x.place(candidate.latency.ms), plane.y.place(candidate.accuracy.value)
    return element(
        "g",
        {"class": f"point {candidate.row.outcome.name.lower()}", "data-candidate": str(candidate.number)},
        element("title", {}, describe_candidate(candidate.number, candidate.row)),
        _cross(candidate.latency, candidate.accuracy, plane),
        element("circle", {"cx": at_x, "cy": at_y, "r": _DISC_PX}),
        text(at_x, at_y + 4, str(candidate.number), kind="number", anchor="middle"),
    )


def _link(winner: Scored, report: FitReport, plane: Plane) -> Html:
    """From the winner's score in the race to its score after the whole training."""
    start = (plane.x.place(winner.latency.ms), plane.y.place(winner.accuracy.value))
    return line(*start, plane.x.place(report.latency.ms), plane.y.place(report.accuracy.value), kind="link")


def _result(report: FitReport, plane: Plane, scored: Sequence[Scored]) -> Html:
    latency, accuracy = report.latency, report.accuracy
    x, y = plane.x.place(latency.ms), plane.y.place(accuracy.value)
    words = f"{format_share(accuracy.value)} %, {format_ms(latency.ms)} ms"
    spot = _spot_of_result(words, report, plane, scored)
    label = text(spot.x, spot.y, words, kind="result-label", anchor=spot.anchor)
    corners = [(x, y - 11), (x + 11, y), (x, y + 11), (x - 11, y)]
    return element(
        "g",
        {"class": "result"},
        element("title", {}, f"{report.model.name}, trained in full\n{verdict(report)}\n{accuracy_words(accuracy)}"),
        _cross(latency, accuracy, plane),
        element("polygon", {"points": " ".join(f"{px:.1f},{py:.1f}" for px, py in corners)}),
        label,
    )


def _spot_of_result(words: str, report: FitReport, plane: Plane, scored: Sequence[Scored]) -> Spot:
    """Beside the diamond, or above or below its interval, clear of the budget's line and of the other points."""
    latency, accuracy, frame = report.latency, report.accuracy, plane.frame
    x, y = plane.x.place(latency.ms), plane.y.place(accuracy.value)
    right = max(x + 16, plane.x.place(latency.high_ms) + 8)
    left = min(x - 16, plane.x.place(latency.low_ms) - 8)
    above, below = plane.y.place(accuracy.high) - 7, plane.y.place(accuracy.low) + 17
    taken = [_around(plane.x.place(each.latency.ms), plane.y.place(each.accuracy.value)) for each in scored]
    places = [(x, "middle"), (x - 6, "end"), (x + 6, "start")]
    if report.budget.latency_ms is not None:
        at = plane.x.place(report.budget.latency_ms)
        taken.append(Box(left=at - _CLEAR_PX, right=at + _CLEAR_PX, top=0, bottom=plane.foot_px))
        places += [(at - _CLEAR_PX, "end"), (at + _CLEAR_PX, "start")]
    spots = [
        Spot(x=right, y=y + 5),
        Spot(x=left, y=y + 5, anchor="end"),
        *(Spot(x=at, y=level, anchor=anchor) for level in (above, below) for at, anchor in places),
    ]
    room = Box(left=frame.left, right=frame.right, top=frame.top - 16, bottom=frame.bottom)
    return choose_spot(words, spots, room=room, taken=taken)


def _around(x: float, y: float) -> Box:
    """The disc of a candidate."""
    return Box(left=x - _DISC_PX, right=x + _DISC_PX, top=y - _DISC_PX, bottom=y + _DISC_PX)
