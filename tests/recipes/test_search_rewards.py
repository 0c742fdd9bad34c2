"""What is asked of a search: the rewards by name."""

from __future__ import annotations

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.recipes.search_wishes import REWARDS, SearchWishes
from edgesmith.search.objective import Reward, Shape


@pytest.mark.parametrize(
    ("name", "twice", "half"),
    [
        ("absolute", 0.6 - 0.30, 0.6 - 0.15),
        ("absolute-tunas", 0.6 - 0.10, 0.6 - 0.05),
        ("soft", 0.6 * 2**-0.07, 0.6 * 2**0.07),
        ("soft-small", 0.6 * 2**-0.15, 0.6 * 2**0.15),
        ("hard", 0.3, 0.6),
    ],
)
def test_rewards_of_twice_and_half_the_target(name: str, twice: float, half: float) -> None:
    reward = SearchWishes(reward=name).make_reward(5.0)
    assert reward is not None
    assert reward.of(0.6, 5.0) == 0.6
    assert reward.of(0.6, 10.0) == pytest.approx(twice)
    assert reward.of(0.6, 2.5) == pytest.approx(half)


def test_accuracy_alone_is_no_reward() -> None:
    assert SearchWishes().make_reward(5.0) is None
    assert [name for name, found in REWARDS.items() if found is None] == ["accuracy"]


def test_without_a_policy_s_reward_one_shot_takes_tunas() -> None:
    assert Reward(target_ms=5.0) == SearchWishes(reward="absolute-tunas").make_reward(5.0)
    assert Reward(target_ms=5.0).shape is Shape.ABSOLUTE


def test_an_unknown_reward_is_answered_with_the_closest() -> None:
    with pytest.raises(UsageError, match="unknown reward 'absolut'; did you mean 'absolute'"):
        SearchWishes(reward="absolut")
