"""Candidates and what they would cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesmith.arch.cost import count_total
from edgesmith.arch.names import Padding
from edgesmith.arch.zoo.names import find
from edgesmith.search.candidates import NARROWER, WIDTHS, anchors, resolutions_for, shortlist, variants, zoo_grid

GRID = zoo_grid(5)


def test_the_grid_has_every_net_width_and_resolution_the_cheapest_first() -> None:
    assert len(GRID) == len({spec.name for spec in GRID}) == 2 * len(WIDTHS) * 5
    madds = [count_total(spec).madds for spec in GRID]
    assert madds == sorted(madds)
    assert {spec.num_classes for spec in GRID} == {5}


@pytest.mark.parametrize(
    ("side", "wanted"),
    [
        (8, (32,)),
        (32, (32, 64)),
        (100, (96,)),
        (160, (96, 128, 160, 192)),
        (500, (96, 128, 160, 192, 224)),
    ],
)
def test_resolutions_suit_the_pictures(side: float, wanted: tuple[int, ...]) -> None:
    assert resolutions_for(side) == wanted


def test_the_widest_that_fits_stands_for_each_net_and_resolution() -> None:
    estimates = {spec.name: count_total(spec).madds / 1e7 for spec in GRID}
    listed = shortlist(GRID, estimates, budget_ms=4.0, count=50)
    assert len({(spec.name.partition("@")[0], spec.resolution) for spec in listed}) == len(listed) == 10
    assert all(estimates[spec.name] <= 4.0 for spec in listed)
    assert shortlist(GRID, estimates, budget_ms=4.0, count=3) == listed[:3]
    assert shortlist(GRID, estimates, budget_ms=0.0, count=3) == ()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 12), st.integers(1, 12))
def test_no_estimate_above_the_budget_is_ever_listed(seed: int, budget_ms: float, count: int) -> None:
    """Estimates without any order among the nets, as a noisy device might give them."""
    values = np.random.default_rng(seed).uniform(0.1, 10, len(GRID))
    estimates = {spec.name: float(value) for spec, value in zip(GRID, values, strict=True)}
    listed = shortlist(GRID, estimates, budget_ms=budget_ms, count=count)
    assert len(listed) <= count
    assert all(estimates[spec.name] <= budget_ms for spec in listed)
    assert bool(listed) == (min(estimates.values()) <= budget_ms)
    madds = [count_total(spec).madds for spec in listed]
    assert madds == sorted(madds, reverse=True)


def test_anchors_span_the_grid() -> None:
    assert anchors(GRID, 4)[0] == GRID[0]
    assert anchors(GRID, 4)[-1] == GRID[-1]
    assert len(anchors(GRID, 4)) == 4
    assert anchors(GRID[:2], 4) == GRID[:2]


def test_variants_of_one_network_are_named_and_sorted_by_cost() -> None:
    found = variants(find("mobilenet_v3_small@padding=same").with_num_classes(5), resolutions=(96, 128))
    assert len(found) == 2 * (1 + len(NARROWER))
    assert {spec.padding for spec in found} == {Padding.SAME}
    assert {spec.resolution for spec in found} == {(96, 96), (128, 128)}
    assert found[-1].name == "mobilenet_v3_small@padding=same,resolution=128"
    costs = [count_total(spec).madds for spec in found]
    assert costs == sorted(costs)
    assert len({spec.name for spec in found}) == len(found)


def test_a_network_whose_widths_are_tied_varies_in_resolution_only() -> None:
    found = variants(find("shufflenet_v1"), resolutions=(96, 128))
    assert [spec.name for spec in found] == ["shufflenet_v1@resolution=96", "shufflenet_v1@resolution=128"]
