"""Candidates and what they would cost."""

from __future__ import annotations

import numpy as np
import pytest

from edgesmith.arch.cost import count_total
from edgesmith.search.candidates import anchors, fit_cost_model, resolutions_for, shortlist, zoo_grid

GRID = zoo_grid(5)


def test_the_grid_has_every_net_width_and_resolution_the_cheapest_first() -> None:
    assert len(GRID) == len({spec.name for spec in GRID}) == 2 * 5 * 5
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


def test_a_cost_model_recovers_the_truth_and_is_never_negative() -> None:
    chosen = anchors(GRID, 8)
    costs = [count_total(spec) for spec in chosen]
    truth = [0.2 + 0.02 * cost.madds / 1e6 + 0.03 * cost.activation_bytes / 1e6 for cost in costs]
    assert fit_cost_model(chosen, truth).weights == pytest.approx((0.2, 0.02, 0.03), rel=1e-3)
    falling = fit_cost_model(chosen, np.linspace(9, 1, len(chosen)).tolist())
    assert min(falling.weights) >= 0


def test_the_widest_that_fits_stands_for_each_net_and_resolution() -> None:
    estimates = {spec.name: count_total(spec).madds / 1e7 for spec in GRID}
    listed = shortlist(GRID, estimates, budget_ms=4.0, count=50)
    assert len({(spec.name.partition("@")[0], spec.resolution) for spec in listed}) == len(listed) == 10
    assert all(estimates[spec.name] <= 4.0 for spec in listed)
    assert shortlist(GRID, estimates, budget_ms=4.0, count=3) == listed[:3]
    assert shortlist(GRID, estimates, budget_ms=0.0, count=3) == ()
