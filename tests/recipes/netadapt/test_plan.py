"""What the time buys: the promise holds wherever it can, and what the user has chosen is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.recipes.netadapt.plan import SHARES, Costs, StepPlan, plan_steps, shares_from

COSTS = Costs(pictures_per_s=100, trial_s=1, accept_s=10, slots=2)
MOST = 10**6


@given(
    seconds=st.floats(60, 20_000),
    cut=st.floats(0.01, 0.5),
    proposals=st.integers(1, 40),
    speed=st.floats(5, 500),
    slots=st.integers(1, 8),
)
def test_steps_keep_within_their_time_where_any_cut_does(
    seconds: float, cut: float, proposals: int, speed: float, slots: int
) -> None:
    costs = Costs(pictures_per_s=speed, trial_s=1, accept_s=10, slots=slots)
    plan = plan_steps(costs, cut=cut, seconds=seconds, num_proposals=proposals, batch_size=64, most_pictures=MOST)
    assert plan.share in SHARES
    assert plan.pictures >= 128
    assert plan.num_steps * plan.share * 1.3 >= cut * (1 - 1e-9)
    least = plan_steps(costs, cut=cut, seconds=0, num_proposals=proposals, batch_size=64, most_pictures=MOST)
    assert plan.seconds <= max(seconds, least.seconds) * (1 + 1e-9)


def test_more_time_buys_smaller_steps_then_more_pictures() -> None:
    plans = [
        plan_steps(COSTS, cut=0.2, seconds=s, num_proposals=16, batch_size=64, most_pictures=MOST)
        for s in (300, 900, 3600, 14400)
    ]
    assert [plan.share for plan in plans] == sorted((plan.share for plan in plans), reverse=True)
    assert plans[-1].share == 0.01
    assert plans[-1].pictures > plans[-2].pictures or plans[-2].share > 0.01


def test_time_beyond_the_most_pictures_is_left_over() -> None:
    plan = plan_steps(COSTS, cut=0.01, seconds=3600, num_proposals=16, batch_size=64, most_pictures=1200)
    assert (plan.pictures, plan.num_steps) == (1200, 1)
    assert plan.seconds < 200
    few = plan_steps(COSTS, cut=0.01, seconds=3600, num_proposals=16, batch_size=64, most_pictures=100)
    assert few.pictures == 256  # four batches in any case


def test_a_step_by_hand() -> None:
    """16 proposals on 2 slots are 8 rounds of 1 + 500/100 s, and 10 s to accept."""
    assert COSTS.step_s(16, 500) == pytest.approx(58)
    assert COSTS.slower(2).step_s(16, 500) == pytest.approx(116)


def test_every_proposal_is_measured_unless_that_costs_more_than_the_next_larger_cut() -> None:
    """By hand: 16 files in 8 rounds of 1.5 s and 16 measurements of half a second are 20 s more."""
    costs = replace(COSTS, file_s=1.5, measure_s=0.5)
    assert costs.step_s(16, 500, measured=True) == pytest.approx(58 + 20)

    def plan(costs: Costs, seconds: float) -> StepPlan:
        return plan_steps(costs, cut=0.2, seconds=seconds, num_proposals=16, batch_size=64, most_pictures=MOST)

    assert plan(costs, 3600).measured
    assert plan(costs, 3600).seconds <= 3600
    dear = replace(COSTS, measure_s=30)
    assert not plan(dear, 900).measured
    assert plan(dear, 900).share == plan(COSTS, 900).share
    assert not plan(costs, 0).measured


def test_what_the_user_chose_is_kept() -> None:
    plan = plan_steps(
        COSTS,
        cut=0.2,
        seconds=100,
        num_proposals=16,
        batch_size=64,
        most_pictures=MOST,
        shares=shares_from(0.01, fixed=True),
        pictures=640,
    )
    assert (plan.share, plan.pictures, plan.num_steps) == (0.01, 640, 16)
    assert plan.seconds > 100
    assert shares_from(0.025, fixed=False) == (0.025, 0.03, 0.04, 0.06, 0.1)
