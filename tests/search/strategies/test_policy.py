"""Strategies that learn a policy: it closes in on the best point, and PPO's update is what the formula says."""

from __future__ import annotations

import numpy as np
import pytest

from edgesmith.arch.space.choices import Encoding
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.controller import Controller
from edgesmith.search.strategies.policy import PolicySearch
from edgesmith.search.strategies.reinforce import Reinforce
from tests.search.strategies.test_conformance import SPACE, worth

LEARNERS = [Controller, Reinforce]


def learn(strategy: PolicySearch, samples: int, *, batch: int = 10) -> None:
    for _ in range(samples // batch):
        points = strategy.ask(batch)
        strategy.tell([Trial(point=point, result=Result(score=worth(point))) for point in points])


def mean_worth(strategy: PolicySearch, rng: np.random.Generator) -> float:
    return float(np.mean([worth(SPACE.normal(tokens)) for tokens, _ in strategy.sample(100, rng)]))


@pytest.mark.parametrize("kind", LEARNERS)
def test_the_policy_learns(kind: type[PolicySearch]) -> None:
    strategy, rng = kind(SPACE, seed=0), np.random.default_rng(0)
    before = mean_worth(strategy, rng)
    learn(strategy, 600, batch=20)
    assert worth(strategy.mode()) >= 14  # of 15
    assert mean_worth(strategy, rng) > before + 3


@pytest.mark.parametrize("kind", LEARNERS)
def test_probabilities_are_those_of_the_draws(kind: type[PolicySearch]) -> None:
    strategy, rng = kind(SPACE, seed=1), np.random.default_rng(1)
    learn(strategy, 100)
    drawn: dict[Encoding, int] = {}
    expected: dict[Encoding, float] = {}
    for tokens, logs in strategy.sample(2000, rng):
        drawn[tokens[:1]] = drawn.get(tokens[:1], 0) + 1
        expected[tokens[:1]] = float(np.exp(logs[0]))
    assert sum(expected.values()) == pytest.approx(1, abs=1e-3)
    for first, count in drawn.items():
        assert count / 2000 == pytest.approx(expected[first], abs=0.05)


@pytest.mark.parametrize("kind", LEARNERS)
def test_points_from_elsewhere_teach_the_policy_nothing(kind: type[PolicySearch]) -> None:
    first, second = kind(SPACE, seed=2), kind(SPACE, seed=2)
    second.tell([Trial(point=(2, 1, 1, 1, 0, 1, 2), result=Result(score=100.0))] * 50)
    assert first.ask(5) == second.ask(5)


def test_choices_without_effect_are_not_pushed() -> None:
    """With one layer, the kernels of the second and third have no effect and stay even."""
    strategy = Reinforce(SPACE, seed=3)
    for _ in range(400):
        (point,) = strategy.ask(1)
        if point[0] == 0:
            strategy.tell([Trial(point=point, result=Result(score=float(point[1])))])
    first, second, third = strategy._logits[1:4]
    assert first[2] == max(first) > 0
    assert not second.any()
    assert not third.any()
