from __future__ import annotations

import pytest

from edgesmith.report.bars import draw_bar, draw_gauge, draw_pair
from tests.report.pages import read_page


def widths(markup: str) -> dict[str, tuple[float, float]]:
    """Left end and width of each part, in per cent of the bar."""
    return {
        node.attributes["class"]: (float(node.attributes["x"]), float(node.attributes["width"]))
        for node in read_page(markup).find("rect")
    }


def test_a_gauge_shows_value_interval_and_limit_on_one_track() -> None:
    parts = widths(draw_gauge(1.2, low=1.0, high=1.4, limit=1.5, most=2.0))
    assert parts["fill"] == (0, 60)
    assert parts["whisker"] == pytest.approx((50, 20))
    assert parts["limit"] == pytest.approx((74.6, 0.8))


def test_a_pair_has_both_lengths() -> None:
    assert widths(draw_pair(400, 300, most=800)) == {"forecast": (0, 50), "actual": (0, 37.5)}


def test_nothing_sticks_out_of_the_track() -> None:
    assert widths(draw_bar(1.7, kind="score"))["score"] == (0, 100)
    assert widths(draw_bar(-0.1, kind="score"))["score"] == (0, 0)
