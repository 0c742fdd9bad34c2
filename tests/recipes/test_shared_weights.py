"""Candidates scored by one supernet, on a space of a few tiny networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.layers import Gating
from edgesmith.arch.space.parts import Frame, Stage
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.zoo.names import find
from edgesmith.recipes.proxy import Proxy
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.shared_weights import (
    SharedScore,
    affordable,
    agree,
    describe_shared,
    one_resolution,
    train_shared,
    with_resolution,
)
from edgesmith.search.cost_model import CostModel
from edgesmith.search.executors.here import Here
from edgesmith.search.limits import Limits
from edgesmith.search.objective import Reward

SPACE = StagedSpace(
    "tiny_space",
    Frame(family="tiny", stems=(8,), tails=(32,), resolutions=(32,), num_classes=10),
    [
        Stage(
            stride=2,
            widths=(8, 16),
            depths=(1, 2),
            common={"kernel_size": (3, 5), "gating": (Gating.NONE, Gating.EXPANSION)},
            own={"expansion": (2.0, 4.0)},
        )
        for _ in range(2)
    ],
)
# A thousandth of a millisecond a parameter.
LATENCY = CostModel(weights=(*(0.0,) * 7, 1000.0))


LIMITS = Limits(latency_ms=6.0)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Proxy:
    """Trains on scikit-learn's digits."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder / "digits.zip")
    return Proxy(
        space=SPACE,
        data=str(folder / "digits.zip"),
        weights="none",
        recipe="small",
        settings=("batch_size=32", "replicas=1", "workers=0"),
        pictures=256,
        scale=1.0,
        seed=0,
        latency=LATENCY,
    )


@pytest.fixture(scope="module")
def shared(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> SharedScore:
    """A supernet of some seconds, under a limit."""
    folder = tmp_path_factory.mktemp("shared")
    first = train_shared(proxy, LIMITS, seconds=2.0, folder=folder)
    again = train_shared(proxy, LIMITS, seconds=2.0, folder=folder)
    assert again.supernet.pictures == first.supernet.pictures, "a finished supernet is read, not trained again"
    return again


def test_a_policy_beside_it_chooses_a_network_within_the_limit(proxy: Proxy, tmp_path: Path) -> None:
    reward = Reward(target_ms=LIMITS.latency_ms)
    found = train_shared(proxy, LIMITS, seconds=2.0, folder=tmp_path, reward=reward)
    assert found.chosen is not None
    assert found(found.chosen)["ms"] <= LIMITS.latency_ms
    again = train_shared(proxy, LIMITS, seconds=2.0, folder=tmp_path, reward=reward)
    assert again.chosen == found.chosen
    assert describe_shared(600, 90, has_policy=True).startswith("10 min buy one supernet, trained for 5 min with a pol")


def test_points_are_scored_within_the_limit_by_the_whole_networks_latency(shared: SharedScore) -> None:
    smallest = SPACE.normal((0,) * len(SPACE.choices))
    values = shared(smallest)
    assert values == shared(smallest)
    assert 0 <= values["accuracy"] <= 1
    assert values["ms"] == pytest.approx(values["parameters"] / 1000)
    largest = tuple(len(choice.options) - 1 for choice in SPACE.choices)
    assert not shared.supernet.allows(largest)
    assert shared.seconds() > 0


class Sizes:
    """A supernet, and a training, that score a point by the size of its numbers."""

    space = SPACE
    seed = 0

    def __init__(self, sign: int) -> None:
        self.sign = sign

    def sample(self, rng: np.random.Generator) -> Encoding:
        return SPACE.sample(rng)

    def score(self, point: Encoding) -> float:
        size: int = sum(number * 3**place for place, number in enumerate(point))
        return self.sign * size / 1e6

    def __call__(self, point: Encoding) -> dict[str, float]:
        return {"accuracy": self.score(point)}


@pytest.mark.parametrize(
    ("sign", "tau", "words"),
    [(1, 1.0, "tau 1.00 (1.00 to 1.00)"), (-1, -1.0, "not to be trusted"), (0, None, "cannot be told: all 10 score")],
)
def test_the_agreement_with_trainings_of_their_own_is_said(sign: int, tau: float | None, words: str) -> None:
    found = agree(SharedScore(supernet=cast("Any", Sizes(sign)), proxy=cast("Any", Sizes(1))), Here())
    assert found["nets"] == 10
    assert found["tau"] == tau
    assert words in found["line"]


def test_the_same_point_means_the_same_layers_at_another_resolution() -> None:
    point = (0, 0, *(1 for _ in SPACE.choices[2:-2]), 0, 0)
    small = with_resolution(SPACE, 16).decode(point)
    assert small.blocks == SPACE.decode(point).blocks
    assert small.resolution == (16, 16)


def test_what_is_left_after_training_and_ranking_is_for_scores() -> None:
    assert affordable(1000, 1.0, None) == 300
    assert affordable(10_000, 0.1, None) == 400
    assert affordable(1000, 1.0, 7) == 7
    assert describe_shared(600, 90) == "10 min buy one supernet, trained for 5 min, and 90 evaluations"
    assert one_resolution([find("mobilenet_v3_small@resolution=128")], (96, 128)) == (128,)
    assert one_resolution([find("mobilenet_v3_small")], (96, 128)) == (128,)
