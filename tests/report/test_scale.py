from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.report.scale import linear_scale, linear_ticks

VALUES = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-4), min_size=1)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (0.62, 0.88, (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)),
        (0.3, 0.9, (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
        (0.0, 4e-4, (0.0, 1e-4, 2e-4, 3e-4, 4e-4)),
        (64.0, 89_000.0, (0.0, 20_000.0, 40_000.0, 60_000.0, 80_000.0, 100_000.0)),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert linear_ticks(low, high) == ticks


def test_a_single_value_gets_room_on_both_sides() -> None:
    assert linear_ticks(1.5, 1.5)[0] < 1.5 < linear_ticks(1.5, 1.5)[-1]
    assert linear_ticks(0.0, 0.0)[0] < 0.0 < linear_ticks(0.0, 0.0)[-1]


@given(VALUES, st.integers(2, 10))
def test_ticks_ascend_evenly_and_cover_the_ends(values: list[float], num_ticks: int) -> None:
    low, high = min(values), max(values)
    ticks = linear_ticks(low, high, num_ticks=num_ticks)
    steps = [after - before for before, after in pairwise(ticks)]
    slack = 1e-6 * steps[0]
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert min(steps) > 0
    assert max(steps) - min(steps) <= 1e-6 * max(steps) + 1e-9 * max(abs(low), abs(high))
    assert 2 <= len(ticks) <= num_ticks + 2 + (high == low)


@given(VALUES.filter(lambda values: max(values) > min(values)), st.booleans())
def test_a_scale_keeps_the_order_and_stays_inside(values: list[float], upwards: bool) -> None:
    start, end = (300.0, 20.0) if upwards else (20.0, 300.0)
    scale = linear_scale(values, start_px=start, end_px=end)
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places, reverse=upwards)
    assert all(20 - 1e-3 <= place <= 300 + 1e-3 for place in places)
    assert math.isclose(scale.place(scale.ticks[0]), start)
    assert math.isclose(scale.place(scale.ticks[-1]), end)
