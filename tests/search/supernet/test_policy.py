"""TuNAS' policy finds what is rewarded, within the limit, as published."""

from __future__ import annotations

import numpy as np
import pytest

from edgesmith.arch.cost import count_total
from edgesmith.core.errors import UsageError
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.policy import Sampled
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.policy import PUBLISHED, PolicyConfig, TunasPolicy
from tests.search.supernet.nets import tiny_space

SPACE = tiny_space()
FAMILY = Family(SPACE)
NAMES = [choice.name for choice in SPACE.choices]


def search(policy: TunasPolicy, steps: int) -> list[tuple[int, ...]]:
    """Reward wide second stages and 3x3 kernels in the first."""
    seen = []
    for _ in range(steps):
        (point,) = policy.ask(1)
        values = SPACE.values(point)
        score = 0.5 + 0.1 * (values["stage2.width"] == 24) + 0.1 * (values["stage1.kernel_size"] == 3)
        policy.tell([Trial(point=point, result=Result(score=score))])
        seen.append(point)
    return seen


@pytest.mark.parametrize("seed", range(3))
def test_the_mode_is_what_was_rewarded(seed: int) -> None:
    policy = TunasPolicy(FAMILY, Draw(FAMILY), PolicyConfig(), steps=400, seed=seed)
    search(policy, 400)
    values = SPACE.values(policy.mode())
    assert (values["stage2.width"], values["stage1.kernel_size"]) == (24, 3)
    assert policy.probabilities()[NAMES.index("stage2.width")][1] > 0.9


def test_nothing_above_the_limit_is_sampled_or_handed_over() -> None:
    limit = 6500
    draw = Draw(FAMILY, lambda spec: count_total(spec).parameters <= limit)
    policy = TunasPolicy(FAMILY, draw, PolicyConfig(), steps=200, seed=0)
    seen = [*search(policy, 200), policy.mode()]
    assert max(count_total(SPACE.decode(point)).parameters for point in seen) <= limit


def test_the_published_rate_grows_tenfold_and_adam_has_no_first_moment() -> None:
    policy = TunasPolicy(FAMILY, Draw(FAMILY), PUBLISHED, steps=4, seed=0)
    place, moves = NAMES.index("stage1.width"), []
    for number in range(5):
        before = policy._logits[place].copy()
        tokens = tuple(0 for _ in NAMES)
        sampled = Sampled(tokens=tokens, active=(True,) * len(tokens), log_probabilities=np.zeros(len(tokens)))
        policy.improve(sampled, float(number))
        moves.append(float((policy._logits[place] - before)[0]))
    assert moves[0] == 0  # the first reward sets the baseline
    # At its first step Adam moves by its rate whatever the gradient.
    assert moves[1] == pytest.approx(3e-4 * 10 ** (1 / 4), rel=1e-6)
    assert all(move > 0 for move in moves[1:])


def test_edgesmiths_rate_lets_logits_move_as_far_in_any_run() -> None:
    for steps in (50, 500):
        policy = TunasPolicy(FAMILY, Draw(FAMILY), PolicyConfig(travel=12.0), steps=steps, seed=0)
        total = 0.0
        for number in range(steps):
            policy._done = number
            total += policy._rate()
        assert total == pytest.approx(12.0)


def test_choices_without_effect_learn_nothing() -> None:
    policy = TunasPolicy(FAMILY, Draw(FAMILY), PolicyConfig(), steps=10, seed=0)
    unused = tuple(name != "stage2.width" for name in NAMES)
    for score in (0.0, 1.0, 2.0):
        tokens = tuple(0 for _ in NAMES)
        policy.improve(Sampled(tokens=tokens, active=unused, log_probabilities=np.zeros(len(tokens))), score)
    assert not policy._logits[NAMES.index("stage2.width")].any()
    assert policy._logits[NAMES.index("stage1.width")].any()


@pytest.mark.parametrize(
    "changes", [{"warmup_share": 1.0}, {"baseline": 1.0}, {"rate": 0.0}, {"growth": 0.0}, {"travel": -1.0}]
)
def test_settings_that_mean_nothing_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="must be"):
        PolicyConfig(**changes)
