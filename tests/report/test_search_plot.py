from __future__ import annotations

from dataclasses import replace

import pytest

from edgesmith.report.content import FitReport
from edgesmith.report.page import render
from edgesmith.report.plotted import CurvePanel, SearchFacts, SearchPoint
from edgesmith.report.search_plot import draw_search
from tests.report.pages import Node, read_page
from tests.report.samples import sample_report

POINTS = (
    SearchPoint(name="fast", by="evolution", ms=0.5, accuracy=0.6, on_front=True, low=0.56, high=0.63),
    SearchPoint(name="good", by="evolution", ms=1.0, accuracy=0.8, on_front=True, low=0.77, high=0.95),
    SearchPoint(name="worse", by="random", ms=1.1, accuracy=0.7, on_front=False, low=0.5, high=0.9),
    SearchPoint(name="old", by="random", ms=1.2, accuracy=0.82, on_front=True),
)


def searched(*points: SearchPoint) -> FitReport:
    panel = CurvePanel(title="best so far", curves=())
    return replace(
        sample_report(), search=SearchFacts(metric="top-1", lines=("a line",), points=points, best_so_far=panel)
    )


def plot(*points: SearchPoint) -> Node:
    return read_page(draw_search(searched(*points), width=840, height=360)).find("svg")[0]


def circle_of(svg: Node, name: str) -> Node:
    (found,) = [node for node in svg.find("circle") if node.text.startswith(name)]
    return found


def test_points_of_the_front_carry_their_interval() -> None:
    svg = plot(*POINTS)
    whiskers = {float(line.attributes["x1"]): line.attributes for line in svg.find("line", kind="interval")}
    assert len(whiskers) == 2, "neither the point off the front nor the one whose interval is not known"
    fast, good = (circle_of(svg, name).attributes for name in ("fast", "good"))
    pixels_a_share = (float(fast["cy"]) - float(good["cy"])) / 0.2
    for circle, point in ((fast, POINTS[0]), (good, POINTS[1])):
        line, at = whiskers[float(circle["cx"])], float(circle["cy"])
        assert point.low is not None
        assert point.high is not None
        assert float(line["y1"]) - at == pytest.approx(pixels_a_share * (point.accuracy - point.low), abs=0.1)
        assert at - float(line["y2"]) == pytest.approx(pixels_a_share * (point.high - point.accuracy), abs=0.1)


def test_intervals_stay_in_the_plot_and_are_said() -> None:
    svg = plot(*POINTS)
    ticks = [float(node.text.removesuffix(" %")) for node in svg.find("text", kind="tick") if "%" in node.text]
    assert max(ticks) >= 95
    assert "60.0 % (56.0 to 63.0 %), about 0.50 ms" in circle_of(svg, "fast").text
    assert "82.0 %, about 1.20 ms" in circle_of(svg, "old").text


def test_a_report_of_a_search_shows_it() -> None:
    page = read_page(render(searched(*POINTS)))
    assert len(page.by_id("search").find("circle", kind="tried")) == 2 * len(POINTS)
