"""Spaces under hard limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesmith.arch.space.choices import Choice, Encoding, Space
from edgesmith.core.errors import BudgetError
from edgesmith.core.seed import generator
from edgesmith.search.limited import LimitedSpace, allowed_near
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


def test_costs_are_told_where_they_were_given() -> None:
    assert limited(3).costs([ORIGIN]) is None
    assert WHOLE.costs([ORIGIN]) is None
    known = LimitedSpace(WHOLE, lambda _: True, costs=lambda points: [float(sum(point)) for point in points])
    assert known.costs([ORIGIN, (1,) * 10]) == [0.0, 10.0]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([3, 8, 20, 50]))
def test_a_point_beyond_the_limits_is_moved_no_further_than_it_must(seed: int, most: int) -> None:
    space, rng = limited(most), generator(seed, "draws")
    point = WHOLE.sample(rng)
    moved = allowed_near(space, point, rng)
    assert sum(moved) <= most
    assert moved == point or sum(point) > most


def test_what_is_moved_stays_near() -> None:
    """From 21 to 20 one choice or two must change, of ten."""
    space, rng = limited(20), generator(0, "draws")
    point = (3, 2, 2, 2, 2, 2, 2, 2, 2, 2)
    moved = [allowed_near(space, point, rng) for _ in range(200)]
    changed = [sum(a != b for a, b in zip(point, each, strict=True)) for each in moved]
    assert sorted(changed)[100] <= 3


@pytest.mark.parametrize("most", [3, 12])
@pytest.mark.parametrize("name", STRATEGIES)
def test_no_strategy_leaves_the_limits(name: str, most: int) -> None:
    """Of the points drawn evenly one in some hundred has a sum of 12 at most, and none that one meets one of 3."""
    space = limited(most)
    strategy = make_strategy(name, space, seed=0)
    asked: list[Encoding] = []
    for _ in range(5):
        points = strategy.ask(4)
        asked += points
        strategy.tell([Trial(point=point, result=Result(score=float(sum(point)))) for point in points])
    assert len(asked) == 20
    assert all(sum(point) <= most for point in asked)


@pytest.mark.parametrize(("name", "trials"), [("tpe", 60), ("nsga2", 200)])
def test_samplers_learn_under_limits(name: str, trials: int) -> None:
    """The best sum within the limit is 12."""
    strategy = make_strategy(name, limited(12), seed=1)
    for _ in range(trials):
        (point,) = strategy.ask(1)
        strategy.tell([Trial(point=point, result=Result(score=float(point[0])))])
    early, late = ([trial.point[0] for trial in part] for part in (strategy.history[:20], strategy.history[-20:]))
    assert sum(late) > sum(early) + 20
