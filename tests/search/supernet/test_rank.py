"""Rank correlation with stand-alone training: by hand, with its interval, and the warning below the gate."""

from __future__ import annotations

import pytest
from scipy.stats import kendalltau

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.seed import generator
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.rank import compare_ranks, distinct_points, rank_agreement
from edgesmith.search.supernet.supernet import Supernet
from tests.search.supernet.nets import judge, lively, points, tiny_space

SPACE = tiny_space()
SPECS = [SPACE.decode(point) for point in points(SPACE, 12)]


def test_tau_is_scipys_and_lies_in_its_interval() -> None:
    rng = generator(0, "ranks")
    shared = rng.normal(size=12)
    alone = shared + 0.5 * rng.normal(size=12)
    found = compare_ranks(SPECS, shared.tolist(), alone.tolist())
    assert found.tau == pytest.approx(kendalltau(shared, alone).statistic)
    assert -1 <= found.low < found.tau < found.high <= 1


def test_equal_orders_are_trusted_and_opposite_ones_are_not() -> None:
    rising = [number / 12 for number in range(12)]
    agree = compare_ranks(SPECS, rising, [value**2 for value in rising])
    assert (agree.tau, agree.low, agree.high, agree.warning) == (1.0, 1.0, 1.0, None)
    against = compare_ranks(SPECS, rising, rising[::-1])
    assert against.tau == -1.0
    assert against.warning is not None
    assert "not to be trusted" in against.warning
    assert "-1.00" in against.warning


def test_scores_that_are_all_alike_are_not_trusted() -> None:
    flat = compare_ranks(SPECS, [0.5] * 12, [number / 12 for number in range(12)])
    assert flat.warning is not None


def test_nets_are_scored_by_the_supernet_and_trained_by_the_caller() -> None:
    family = Family(SPACE)
    shared = Supernet(family, lively(family.spec), judge(), Draw(family))
    nets = distinct_points(shared, 4)
    assert len(set(nets)) == 4
    asked: list[NetSpec] = []

    def train_alone(spec: NetSpec) -> float:
        asked.append(spec)
        return shared.score(SPACE.encode(spec))

    found = rank_agreement(shared, nets, train_alone)
    assert tuple(asked) == found.specs == tuple(shared.spec(point) for point in nets)
    assert found.shared == found.alone
    assert found.tau == 1.0


def test_too_few_nets_are_refused() -> None:
    with pytest.raises(UsageError, match="3 nets or more"):
        compare_ranks(SPECS[:2], [0.1, 0.2], [0.1, 0.2])
    family = Family(SPACE)
    only = Supernet(family, lively(family.spec), judge(), Draw(family, lambda spec: spec.name == smallest(family)))
    with pytest.raises(UsageError, match="gave 1; ask for fewer"):
        distinct_points(only, 2)


def smallest(family: Family) -> str:
    return family.space.decode(family.smallest).name
