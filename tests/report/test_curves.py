from __future__ import annotations

import math

import pytest

from edgesmith.report.curves import draw_curves, thin
from edgesmith.report.plotted import Curve, CurvePanel
from tests.report.pages import read_page


def test_long_curves_are_averaged_in_equal_groups() -> None:
    curve = Curve(label="loss", xs=tuple(map(float, range(1000))), ys=tuple(float(x % 2) for x in range(1000)))
    points = thin(curve, most=100)
    assert len(points) == 100
    assert points[0] == (4.5, 0.5)
    assert {y for _, y in points} == {0.5}


def test_short_curves_stay_as_they_are() -> None:
    assert thin(Curve(label="a", xs=(1.0, 2.0), ys=(3.0, 4.0))) == [(1.0, 3.0), (2.0, 4.0)]


def test_values_that_are_not_finite_are_left_out() -> None:
    curve = Curve(label="loss", xs=(1.0, 2.0, 3.0), ys=(0.5, math.nan, math.inf))
    assert thin(curve) == [(1.0, 0.5)]


def test_a_panel_without_values_says_so() -> None:
    panel = CurvePanel(title="Held-out accuracy", curves=(Curve(label="top-1", xs=(), ys=()),))
    assert "Held-out accuracy: nothing was recorded." in draw_curves(panel, identifier="a")


def test_each_curve_is_named_and_drawn_inside_the_frame() -> None:
    curves = (Curve(label="training", xs=(0.0, 50.0), ys=(2.0, 1.0)), Curve(label="held-out", xs=(50.0,), ys=(1.2,)))
    figure = read_page(draw_curves(CurvePanel(title="Loss", curves=curves), identifier="a", width=264, height=200))
    assert figure.find("figcaption")[0].text == "Losstrainingheld-out"
    plot = figure.find("svg", kind="plot")[0]
    (line,), (dot,) = plot.find("polyline"), plot.find("circle")
    places = [point.split(",") for point in line.attributes["points"].split()]
    for x, y in [*places, (dot.attributes["cx"], dot.attributes["cy"])]:
        assert 46 - 0.1 <= float(x) <= 252.1
        assert 22 - 0.1 <= float(y) <= 154.1
    assert "training: from 2 to 1." in figure.find("desc")[0].text


def test_curves_of_unequal_lengths_are_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="curve 'loss': 1 xs, 0 ys"):
        Curve(label="loss", xs=(1.0,), ys=())
