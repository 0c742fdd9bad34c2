"""The process interpolates, forgets with distance, and finds which choices count."""

from __future__ import annotations

import numpy as np
import pytest

from edgesmith.arch.space.choices import Choice, Space
from edgesmith.search.gaussian import Bits, GaussianProcess, Scales, _unlikelihood

SPACE = Space(
    [
        Choice(name="width", options=(1, 2, 3, 4, 5), ordered=True),
        *(Choice(name=str(i), options=(0, 1, 2)) for i in range(3)),
    ]
)
SCALES = Scales(noise=1e-6, weights=(1.0,) * 4)


def test_without_noise_it_goes_through_the_points_and_is_sure_there() -> None:
    points = [(0, 0, 0, 0), (4, 1, 0, 2), (2, 2, 2, 1)]
    belief = GaussianProcess(SPACE, points, np.array([1.0, 3.0, -2.0]), SCALES).believe([*points, (4, 0, 1, 0)])
    assert belief.mean[:3] == pytest.approx([1, 3, -2], abs=1e-3)
    assert (belief.deviation[:3] < 0.01).all()
    assert belief.deviation[3] > 1


def test_two_points_by_hand() -> None:
    """One reading of 1 and one of -1, four steps of width apart: covariance exp(-1) between them."""
    points = [(0, 0, 0, 0), (4, 0, 0, 0)]
    process = GaussianProcess(SPACE, points, np.array([1.0, -1.0]), SCALES)
    near, far = np.exp(-0.25), np.exp(-0.75)
    expected = (near - far) / (1 - np.exp(-1))
    assert process.believe([(1, 0, 0, 0)]).mean[0] == pytest.approx(expected, rel=1e-4)


def test_choices_that_matter_get_the_weight() -> None:
    rng = np.random.default_rng(0)
    points = [SPACE.sample(rng) for _ in range(60)]
    values = np.array([float(point[2] == 1) * 3 for point in points]) + rng.normal(0, 0.1, 60)
    weights = GaussianProcess(SPACE, points, values).scales.weights
    assert weights[2] == max(weights) > max(weights[0], weights[1], weights[3])


def test_readings_of_one_point_are_averaged() -> None:
    points = [(0, 0, 0, 0)] * 8 + [(4, 2, 2, 2)] * 8
    values = np.array([1.0, 2.0] * 4 + [5.0, 6.0] * 4)
    belief = GaussianProcess(SPACE, points, values).believe([points[0], points[-1]])
    assert belief.mean == pytest.approx([1.5, 5.5], abs=0.3)


def test_the_slope_of_the_likelihood_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(1)
    bits, values, logs = Bits(SPACE), rng.normal(size=30), rng.normal(0, 0.5, 4)
    points = bits.of([SPACE.sample(rng) for _ in range(30)])
    slope = _unlikelihood(bits, points, values, logs, noise=0.05)[1]
    for place, step in enumerate(1e-5 * np.eye(4)):
        ends = [_unlikelihood(bits, points, values, logs + side * step, noise=0.05)[0] for side in (1, -1)]
        assert slope[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-6)
