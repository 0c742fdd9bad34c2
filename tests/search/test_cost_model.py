"""Latency as a sum of costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesmith.arch.space.presets import find_space
from edgesmith.core.seed import generator
from edgesmith.search.candidates import anchors, zoo_grid
from edgesmith.search.cost_model import costs_of, fit_cost_model, left_out_errors

GRID = zoo_grid(5)
SPACE = find_space("mobilenet_v3_small", num_classes=5)
DRAWN = [SPACE.decode(SPACE.sample(generator(seed, "nets"))) for seed in range(60)]
WEIGHTS = np.array([0.1, 0.005, 0.01, 0.02, 0.05, 0.03, 0.02, 0.01])


def test_what_costs_explain_is_found_and_nets_that_were_not_seen_are_told() -> None:
    truth = [float(np.dot(costs_of(spec), WEIGHTS)) for spec in DRAWN]
    model = fit_cost_model(DRAWN[:30], truth[:30])
    told = np.array([model.estimate_ms(spec) for spec in DRAWN[30:]])
    assert np.abs(told / truth[30:] - 1).max() < 0.03


def test_errors_left_out_are_those_of_the_readings() -> None:
    noise = generator(1, "noise").normal(0, 0.05, len(DRAWN))
    read = [float(np.dot(costs_of(spec), WEIGHTS) * (1 + each)) for spec, each in zip(DRAWN, noise, strict=True)]
    errors = left_out_errors(DRAWN, read)
    assert 0.04 < errors.std() < 0.08
    assert abs(np.corrcoef(errors, noise)[0, 1]) > 0.8


def test_one_net_is_enough_for_its_own_latency() -> None:
    assert fit_cost_model(GRID[:1], [2.0]).estimate_ms(GRID[0]) == pytest.approx(2.0, rel=0.02)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=4, max_size=4))
def test_whatever_was_measured_no_weight_is_negative(latencies_ms: list[float]) -> None:
    model = fit_cost_model(anchors(GRID, 4), latencies_ms)
    assert min(model.weights) >= 0
    assert min(model.estimate_ms(spec) for spec in GRID) > 0
