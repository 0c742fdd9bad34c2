"""Latency of a space, learnt from some of its networks."""

from __future__ import annotations

import numpy as np
import pytest

from edgesmith.arch.space.presets import find_space
from edgesmith.core.seed import generator
from edgesmith.devices.across import Target
from edgesmith.recipes import space_latency
from edgesmith.search.limits import Limits
from tests.recipes.formulas import timed, true_ms


def test_the_latency_of_a_space_is_learnt_within_its_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_latency, "measure_specs", timed)
    space = find_space("mobilenet_v3_small", resolutions=(32, 64), num_classes=10)
    found = space_latency.learn_latency(space, Target(device="formula"), budget_ms=0.5, seed=0)
    assert found.error < 0.08
    assert found.tau > 0.85
    assert "left-out error" in found.describe()
    rng = generator(1, "fresh")
    drawn = [space.decode(space.sample(rng)) for _ in range(50)]
    errors = [found.model.estimate_ms(spec) / true_ms(spec) - 1 for spec in drawn]
    assert np.sqrt(np.mean(np.square(errors))) < 0.1


def test_a_limited_space_tells_what_its_points_are_estimated_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_latency, "measure_specs", timed)
    space = find_space("mobilenet_v3_small", resolutions=(32, 64), num_classes=10)
    found = space_latency.learn_latency(space, Target(device="formula"), budget_ms=0.5, seed=0)
    limited = space_latency.limit_space(space, found, Limits(latency_ms=0.5))
    rng = generator(2, "drawn")
    drawn = [limited.sample(rng) for _ in range(5)]
    assert limited.costs(drawn) == [found.model.estimate_ms(space.decode(point)) for point in drawn]
    assert max(limited.costs(drawn) or [1.0]) <= 0.5
