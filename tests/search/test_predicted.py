"""Proposals from predictions alone: within the limit, new, better than chance, and fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import search_speed

from edgesmith.arch.cost import count_total
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.space.presets import find_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.search.crowd import points_of, sample
from edgesmith.search.predicted import propose_predicted
from edgesmith.search.strategies.base import Result, Trial

SPACE = find_space("mobilenet_v3_small", resolutions=(96, 224))


def madds_of(spec: NetSpec) -> float:
    return count_total(spec).madds / 1e6


def as_ms(specs: Sequence[NetSpec]) -> list[float]:
    return [madds_of(spec) for spec in specs]


@pytest.fixture(scope="module")
def history() -> list[Trial]:
    """Accuracy grows with the logarithm of multiply-adds, and falls where kernels are large."""
    points = points_of(sample(SPACE, 60, np.random.default_rng(0)))
    return [Trial(point=point, result=Result(score=worth(SPACE.decode(point)))) for point in points]


def worth(spec: NetSpec) -> float:
    kernels = [getattr(block, "kernel_size", 0) for block in spec.blocks]
    return float(np.log(madds_of(spec))) - 0.3 * float(np.mean(kernels))


def test_proposals_keep_the_limit_are_new_and_better_than_what_was_evaluated(history: list[Trial]) -> None:
    limit = float(np.median(as_ms([SPACE.decode(trial.point) for trial in history])))
    found = propose_predicted(SPACE, history, as_ms, limit_ms=limit, count=10, seed=0, candidates=6000)
    assert found.num_candidates == 6000
    assert len({each.point for each in found.best} - {trial.point for trial in history}) == 10
    assert [each.promise for each in found.best] == sorted((each.promise for each in found.best), reverse=True)
    for each in found.best:
        assert each.latency_ms == madds_of(SPACE.decode(each.point)) <= limit
    within = [t.result.score for t in history if madds_of(SPACE.decode(t.point)) <= limit]
    assert np.mean([worth(SPACE.decode(each.point)) for each in found.best]) > max(within)


def test_the_same_seed_and_history_give_the_same_proposals(history: list[Trial]) -> None:
    first, second, other = (
        propose_predicted(SPACE, history, as_ms, limit_ms=60, count=5, seed=seed, candidates=2500) for seed in (1, 1, 2)
    )
    assert first == second != other


def test_a_limit_that_nothing_keeps_names_the_fastest(history: list[Trial]) -> None:
    with pytest.raises(UsageError, match=r"no network of 2500 is predicted to be within 0\.001 ms; the fastest takes"):
        propose_predicted(SPACE, history, as_ms, limit_ms=0.001, count=5, seed=0, candidates=2500)


def test_without_a_history_there_is_nothing_to_predict_from() -> None:
    with pytest.raises(UsageError, match="there are none yet"):
        propose_predicted(SPACE, [], as_ms, limit_ms=1, count=5, seed=0)


def test_a_space_may_have_fewer_points_than_are_asked_for() -> None:
    tiny = find_space("mobilenet_v2", resolutions=(96,))
    point = tiny.sample(np.random.default_rng(0))
    narrow = type(tiny)("narrow", tiny.frame, tiny.stages[:1])
    trial = Trial(point=narrow.normal(point[: len(narrow.choices)]), result=Result(score=1.0))
    found = propose_predicted(narrow, [trial], as_ms, limit_ms=1e9, count=10_000, seed=0)
    assert len(found.best) == found.num_candidates - 1 < 10_000


def test_the_speed_test_s_table_lacks_no_piece() -> None:
    """Stems and tails included: what is missing would be learnt while the clock runs."""
    space = StagedSpace("narrow", replace(SPACE.frame, resolutions=(96,)), SPACE.stages[:2])
    table = search_speed.made_up_table([])
    table.learn([space.decode(point) for point in search_speed.covering(space)])
    drawn = [space.decode(point) for point in points_of(sample(space, 300, np.random.default_rng(0)))]
    assert table.missing(drawn) == ()
    assert {block.out_channels for spec in drawn for block in spec.blocks[:1] if isinstance(block, Conv)} == {8, 16, 24}


@pytest.mark.bench
def test_a_hundred_thousand_networks_take_less_than_a_minute_of_a_core() -> None:
    row = search_speed.run("mobilenet_v3_small", 100_000, seed=0)
    assert row["candidates"] == 100_000
    assert row["learnt"] == 0
    assert row["cpu_s"] < 60
    assert row["best_ms"] <= row["limit_ms"]
