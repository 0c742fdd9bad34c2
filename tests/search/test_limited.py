"""Spaces under hard limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesmith.arch.space.choices import Choice, Encoding, Space
from edgesmith.core.errors import BudgetError
from edgesmith.core.seed import generator
from edgesmith.search.limited import LimitedSpace
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.table import STRATEGIES, make_strategy

WHOLE = Space([Choice(name=f"layer{index}", options=tuple(range(6)), ordered=True) for index in range(10)])
ORIGIN = (0,) * 10


def limited(most: int) -> LimitedSpace:
    """Points whose numbers add up to no more than ``most``, of 50."""
    return LimitedSpace(WHOLE, lambda point: sum(point) <= most, origin=ORIGIN)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([3, 8, 20, 50]))
def test_whatever_comes_out_keeps_the_limits(seed: int, most: int) -> None:
    space, rng = limited(most), generator(seed, "draws")
    first, second = space.sample(rng), space.sample(rng)
    made = [first, second, space.mutate(first, rng, changes=3), space.crossover(first, second, rng)]
    assert all(sum(point) <= most for point in [*made, *space.neighbours(first)])


def test_rare_points_differ_from_one_another() -> None:
    space, rng = limited(3), generator(0, "draws")
    assert len({space.sample(rng) for _ in range(50)}) > 25


def test_an_origin_beyond_the_limits_is_refused() -> None:
    with pytest.raises(BudgetError, match="exceeds the limits"):
        LimitedSpace(WHOLE, lambda point: sum(point) < 0, origin=ORIGIN)


def test_without_an_origin_a_limit_that_nothing_keeps_is_said() -> None:
    with pytest.raises(BudgetError, match="none of 300 points"):
        LimitedSpace(WHOLE, lambda _: False).sample(generator(0, "draws"))


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name in ("surrogate", "random", "local", "evolution")])
def test_strategies_that_draw_from_the_space_never_leave_it(name: str) -> None:
    space = limited(12)
    strategy = make_strategy(name, space, seed=0)
    asked: list[Encoding] = []
    for _ in range(12):
        points = strategy.ask(4)
        asked += points
        strategy.tell([Trial(point=point, result=Result(score=float(sum(point)))) for point in points])
    assert all(sum(point) <= 12 for point in asked)
