"""Predictions searched at each turn: known costs are used, limits kept, and fronts widened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgesmith.arch.space.choices import Encoding
from edgesmith.search.limited import LimitedSpace
from edgesmith.search.strategies.base import Result, Strategy, Trial
from edgesmith.search.strategies.predicted import PredictedSearch
from edgesmith.search.strategies.random import RandomSearch
from tests.search.strategies.test_surrogate import WIDTHS, search_front, trade_off

LIMIT = 8.0


def cost_of(point: Encoding) -> float:
    return -trade_off(point)[1]


def best_within(strategy: Strategy, count: int) -> float:
    for _ in range(count // 4):
        points = strategy.ask(4)
        strategy.tell([Trial(point=point, result=Result(score=trade_off(point)[0])) for point in points])
    assert all(cost_of(trial.point) <= LIMIT for trial in strategy.history)
    return strategy.best().result.score


def test_under_a_limit_known_costs_lead_to_more_than_chance_finds() -> None:
    asked = 0

    def costs(points: Sequence[Encoding]) -> list[float]:
        nonlocal asked
        asked += len(points)
        return [cost_of(point) for point in points]

    def space() -> LimitedSpace:
        return LimitedSpace(WIDTHS, lambda point: cost_of(point) <= LIMIT, origin=(0,) * 8, costs=costs)

    ours = [best_within(PredictedSearch(space(), seed=seed), 40) for seed in range(3)]
    assert asked > 5_000
    random = [best_within(RandomSearch(space(), seed=seed), 160) for seed in range(3)]
    assert np.mean(ours) > max(random)


def test_a_front_is_wider_than_random_search_s() -> None:
    ours = [search_front(PredictedSearch(WIDTHS, seed=seed, num_goals=2), 60, batch=4) for seed in range(3)]
    random = [search_front(RandomSearch(WIDTHS, seed=seed), 240) for seed in range(3)]
    assert min(ours) > max(random)


def test_a_third_goal_is_raised_too() -> None:
    strategy = PredictedSearch(WIDTHS, seed=0, num_goals=3)
    for _ in range(40):
        (point,) = strategy.ask(1)
        goals = (*trade_off(point), float(point[0]))
        strategy.tell([Trial(point=point, result=Result(score=goals[0], goals=goals))])
    assert np.mean([trial.point[0] for trial in strategy.history[20:]]) > 2.5


def test_a_space_of_one_point_is_asked_for_it() -> None:
    origin = (0,) * 8
    strategy = PredictedSearch(LimitedSpace(WIDTHS, lambda point: not any(point), origin=origin), seed=0)
    strategy.tell([Trial(point=origin, result=Result(score=1.0))] * 12)
    assert strategy.ask(1) == (origin,)
