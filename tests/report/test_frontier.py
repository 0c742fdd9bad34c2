from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.report.content import Budget, FitReport, Outcome
from edgesmith.report.frontier import draw_frontier, spread_rows
from edgesmith.report.labels import Spot
from tests.report.pages import Node, read_page
from tests.report.samples import candidates, sample_report


def plot(report: FitReport, *, width: float = 840) -> Node:
    return read_page(draw_frontier(report, width=width, height=400)).find("svg")[0]


def axis_place(svg: Node, value: float, *, anchor: str) -> float:
    """Where the tick labels say that a value stands: x for those centred below, y for those beside the axis."""
    side, factor = ("x", 1.0) if anchor == "middle" else ("y", 0.01)
    ticks = [node for node in svg.find("text", kind="tick") if node.attributes["text-anchor"] == anchor]
    known = sorted((float(tick.text.rstrip(" %")) * factor, float(tick.attributes[side])) for tick in ticks)
    (low, low_px), (high, high_px) = known[0], known[-1]
    return low_px + (value - low) / (high - low) * (high_px - low_px)


@pytest.mark.parametrize("width", [840, 360])
def test_every_candidate_is_in_the_plot(width: float) -> None:
    marks = [
        node.attributes["data-candidate"]
        for node in plot(sample_report(), width=width).find("g")
        if "data-candidate" in node.attributes
    ]
    assert sorted(marks) == [str(number) for number in range(1, 10)]


@pytest.mark.parametrize("budget_ms", [1.5, 1.3, 2.5])
def test_the_budget_line_stands_where_the_axis_says(budget_ms: float) -> None:
    svg = plot(replace(sample_report(), budget=Budget(latency_ms=budget_ms)))
    (line,) = svg.find("line", kind="budget")
    assert float(line.attributes["x1"]) == float(line.attributes["x2"])
    assert float(line.attributes["x1"]) == pytest.approx(axis_place(svg, budget_ms, anchor="middle"), abs=0.1)


def test_points_and_their_intervals_stand_where_the_axes_say() -> None:
    svg = plot(sample_report())
    for number, row in enumerate(candidates(), start=1):
        if row.accuracy is None or row.latency is None:
            continue
        (mark,) = [node for node in svg.find("g", kind="point") if node.attributes["data-candidate"] == str(number)]
        (circle,) = mark.find("circle")
        across, upright = (node.attributes for node in mark.find("line"))
        assert float(circle.attributes["cx"]) == pytest.approx(
            axis_place(svg, row.latency.ms, anchor="middle"), abs=0.1
        )
        assert float(circle.attributes["cy"]) == pytest.approx(
            axis_place(svg, row.accuracy.value, anchor="end") - 4, abs=0.1
        )
        assert float(across["x1"]) == pytest.approx(axis_place(svg, row.latency.low_ms, anchor="middle"), abs=0.1)
        assert float(across["x2"]) == pytest.approx(axis_place(svg, row.latency.high_ms, anchor="middle"), abs=0.1)
        assert float(upright["y2"]) == pytest.approx(axis_place(svg, row.accuracy.high, anchor="end") - 4, abs=0.1)
        assert row.name in mark.find("title")[0].text


def test_the_winner_is_marked_and_painted_last() -> None:
    marks = plot(sample_report()).find("g", kind="point")
    assert [mark.attributes["class"] for mark in marks].index("point winner") == len(marks) - 1
    (result,) = plot(sample_report()).find("g", kind="result")
    assert "84.5 %, 1.17 ms" in result.text


@pytest.mark.parametrize("width", [840, 360])
@pytest.mark.parametrize("budget_ms", [1.2, 1.3, 1.5, 1.7, 2.5])
@pytest.mark.parametrize("ms", [0.9, 1.17, 1.6, 2.4])
def test_the_results_figures_stay_clear_of_the_budget_and_of_the_points(
    width: float, budget_ms: float, ms: float
) -> None:
    report = sample_report()
    latency = replace(report.latency, ms=ms, low_ms=ms - 0.02, high_ms=ms + 0.03)
    svg = plot(replace(report, budget=Budget(latency_ms=budget_ms), latency=latency), width=width)
    (label,) = svg.find("text", kind="result-label")
    at, y = (float(label.attributes[side]) for side in ("x", "y"))
    box = Spot(x=at, y=y, anchor=label.attributes["text-anchor"]).box(label.text)
    line = float(svg.find("line", kind="budget")[0].attributes["x1"])
    assert not box.left < line < box.right
    assert box.left >= 0
    assert box.right <= width
    for circle in svg.find("circle"):
        x, y = (float(circle.attributes[side]) for side in ("cx", "cy"))
        assert not (box.left < x < box.right and box.top < y < box.bottom)


def test_no_budget_no_line() -> None:
    assert plot(replace(sample_report(), budget=Budget(size_bytes=10_000_000))).find("line", kind="budget") == []


def test_many_slow_candidates_are_counted_not_piled_up() -> None:
    slow = candidates()[0]
    svg = plot(replace(sample_report(), candidates=(*candidates(), *[slow] * 30)))
    assert len(svg.find("g", kind="dropped")) == 13
    assert any("+20 slower" in node.text for node in svg.find("text"))


def test_a_race_without_candidates_still_shows_the_result() -> None:
    svg = plot(replace(sample_report(), candidates=()))
    assert len(svg.find("polygon")) == 1


def test_outcomes_have_marks_of_their_own() -> None:
    kinds = {node.attributes["class"] for node in plot(sample_report()).find("g", kind="point")}
    assert kinds == {f"point {outcome.name.lower()}" for outcome in (Outcome.WINNER, Outcome.RACED, Outcome.STOPPED)}


@given(st.lists(st.floats(0, 800), max_size=40))
def test_ticks_of_one_row_do_not_touch(places: list[float]) -> None:
    rows = spread_rows(places, gap_px=20)
    for row in set(rows):
        inside = sorted(place for place, other in zip(places, rows, strict=True) if other == row)
        assert all(after - before >= 20 for before, after in pairwise(inside))
