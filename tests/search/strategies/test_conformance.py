"""What every strategy must do, on a small space whose best points are known."""

from __future__ import annotations

import numpy as np
import pytest

from edgesmith.arch.space.choices import Choice, Encoding, Need, Space
from edgesmith.core.errors import UsageError
from edgesmith.search.strategies.base import Result, Strategy, Trial
from edgesmith.search.strategies.table import STRATEGIES, make_strategy

DEPTHS = Choice(name="depth", options=(1, 2, 3), ordered=True)
KERNELS = tuple(Choice(name=f"layer{index}.kernel", options=(3, 5, 7)) for index in range(3))
WIDTHS = tuple(Choice(name=f"width{index}", options=(8, 16, 24, 32), ordered=True) for index in range(3))


# Kernels of layers that are not there have no effect.
SPACE = Space(
    [DEPTHS, *KERNELS, *WIDTHS], needs={1 + layer: Need(place=0, least=layer) for layer in range(1, len(KERNELS))}
)

# The last two read what looks best again until they have seen that readings do not vary.
MAY_REPEAT = {"tpe", "nsga2", "controller", "reinforce", "surrogate", "predicted"}
SLOW_TO_LEARN = {"random", "controller", "reinforce"}


def worth(point: Encoding) -> float:
    """Highest at 15 for three layers of kernel 5 and widths 8, 16, 24."""
    depth, kernels, widths = point[0], point[1:4], point[4:7]
    fits = sum(kernel == 1 for kernel in kernels[: depth + 1])
    return 2.0 * depth + 2 * fits - sum(abs(width - place) for place, width in enumerate(widths)) + 5


def run(strategy: Strategy, count: int, *, batch: int = 1, limit: int | None = None) -> list[Encoding]:
    """Evaluate so many points; the limit is on the sum of the widths' numbers."""
    found: list[Encoding] = []
    while len(found) < count:
        points = strategy.ask(batch)
        over = [0 if limit is None else max(0, sum(point[4:]) - limit) for point in points]
        strategy.tell(
            [
                Trial(point=point, result=Result(score=worth(point), violation=float(excess)))
                for point, excess in zip(points, over, strict=True)
            ]
        )
        found += points
    return found


@pytest.fixture(params=STRATEGIES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("batch", [1, 4])
def test_proposals_are_normal_points(name: str, batch: int) -> None:
    for point in run(make_strategy(name, SPACE, seed=1), 40, batch=batch):
        assert point == SPACE.normal(point)


def test_nothing_is_proposed_twice_where_there_is_choice(name: str) -> None:
    if name in MAY_REPEAT:
        pytest.skip("it draws from a distribution")
    points = run(make_strategy(name, SPACE, seed=2), 60, batch=3)
    assert len(set(points)) == len(points)


def test_a_space_smaller_than_the_budget_is_no_trouble(name: str) -> None:
    tiny = Space([Choice(name="only", options=(0, 1, 2))])
    strategy = make_strategy(name, tiny, seed=0)
    for _ in range(30):
        points = strategy.ask(1)
        strategy.tell([Trial(point=point, result=Result(score=float(point[0]))) for point in points])
    assert strategy.best().point == (2,)


def test_the_same_seed_and_history_give_the_same_proposals(name: str) -> None:
    first, second = (run(make_strategy(name, SPACE, seed=3), 45, batch=3) for _ in range(2))
    assert first == second
    assert first != run(make_strategy(name, SPACE, seed=4), 45, batch=3)


def test_asking_for_the_best_changes_no_proposals(name: str) -> None:
    plain, asked = (make_strategy(name, SPACE, seed=7) for _ in range(2))
    for _ in range(15):
        points = plain.ask(3)
        assert points == asked.ask(3)
        trials = [
            Trial(point=point, result=Result(score=worth(point), violation=float(point[4] > 2))) for point in points
        ]
        plain.tell(trials)
        asked.tell(trials)
        asked.best()


def test_points_from_elsewhere_are_taken_in(name: str) -> None:
    strategy = make_strategy(name, SPACE, seed=5)
    best = (2, 1, 1, 1, 0, 1, 2)
    strategy.tell([Trial(point=best, result=Result(score=worth(best)))])
    run(strategy, 15)
    assert strategy.best().point == best


def test_what_keeps_the_limits_is_handed_over(name: str) -> None:
    strategy = make_strategy(name, SPACE, seed=6)
    run(strategy, 60, limit=2)
    assert sum(strategy.best().point[4:]) <= 2
    with pytest.raises(UsageError, match="nothing was evaluated yet"):
        make_strategy(name, SPACE, seed=6).best()


def test_it_finds_more_than_random_search(name: str) -> None:
    if name in SLOW_TO_LEARN:
        pytest.skip("it is random search, or needs hundreds of samples: see test_policy")
    means = {
        each: np.mean([max(map(worth, run(make_strategy(each, SPACE, seed=seed), 80))) for seed in range(6)])
        for each in (name, "random")
    }
    assert means[name] > means["random"]


@pytest.mark.parametrize("count", [0, -1])
def test_at_least_one_point_is_asked_for(name: str, count: int) -> None:
    with pytest.raises(UsageError, match=f"at least 1 point, got {count}"):
        make_strategy(name, SPACE, seed=0).ask(count)


def test_an_unknown_strategy_is_answered_with_the_closest() -> None:
    with pytest.raises(UsageError, match="unknown search strategy 'surogate'; did you mean 'surrogate'"):
        make_strategy("surogate", SPACE, seed=0)
