"""The default: it reads doubtful points again only where readings vary, and widens fronts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edgesmith.arch.space.choices import Choice, Encoding, Space
from edgesmith.search.front import hypervolume
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.random import RandomSearch
from edgesmith.search.strategies.surrogate import Surrogate
from tests.search.strategies.test_conformance import SPACE, run, worth

WIDTHS = Space([Choice(name=f"width{index}", options=tuple(range(6)), ordered=True) for index in range(8)])


def trade_off(point: Encoding) -> tuple[float, float]:
    """Accuracy that saturates with width, and a cost in which the last widths count most."""
    gain = sum(1 - 0.5**value for value in point)
    return gain, -sum(value * (1 + place) for place, value in enumerate(point)) / 10


def search_front(strategy: Surrogate | RandomSearch, count: int, *, batch: int = 1) -> float:
    found: list[tuple[float, float]] = []
    while len(found) < count:
        points = strategy.ask(batch)
        goals = [trade_off(point) for point in points]
        strategy.tell([Trial(point=p, result=Result(score=g[0], goals=g)) for p, g in zip(points, goals, strict=True)])
        found += goals
    return hypervolume(np.array(found), (3.0, -9.0))


def test_the_same_readings_are_not_asked_for_more_than_a_few_times() -> None:
    counts = Counter(run(Surrogate(SPACE, seed=2), 90))
    assert sum(counts.values()) - len(counts) == 3


def test_where_readings_vary_good_points_are_read_again() -> None:
    strategy, noise = Surrogate(SPACE, seed=3), np.random.default_rng(3)
    for _ in range(90):
        (point,) = strategy.ask(1)
        strategy.tell([Trial(point=point, result=Result(score=worth(point) + noise.normal(0, 1)))])
    counts = Counter(trial.point for trial in strategy.history)
    again = [point for point, count in counts.items() if count > 1]
    assert sum(counts.values()) - len(counts) > 10
    assert np.mean([worth(point) for point in again]) > np.mean([worth(point) for point in counts]) + 2
    assert worth(strategy.best().point) >= 14


@pytest.mark.parametrize("batch", [1, 5])
def test_a_front_is_wider_than_random_search_s(batch: int) -> None:
    ours = [search_front(Surrogate(WIDTHS, seed=seed, num_goals=2), 60, batch=batch) for seed in range(3)]
    random = [search_front(RandomSearch(WIDTHS, seed=seed), 240) for seed in range(3)]
    assert min(ours) > max(random)


def test_a_third_goal_is_raised_too() -> None:
    strategy = Surrogate(WIDTHS, seed=0, num_goals=3)
    for _ in range(40):
        (point,) = strategy.ask(1)
        goals = (*trade_off(point), float(point[0]))
        strategy.tell([Trial(point=point, result=Result(score=goals[0], goals=goals))])
    late = [trial.point for trial in strategy.history[20:]]
    assert np.mean([point[0] for point in late]) > 3
    assert len(set(late)) == len(late)
