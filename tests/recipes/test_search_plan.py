"""What a search's time buys."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgesmith.recipes.search_plan import plan_search


def test_a_few_epochs_each_where_that_leaves_enough_candidates() -> None:
    plan = plan_search(3600, [300.0], workers=2, num_pictures=3000, batch_size=16)
    assert plan.trials == round(7200 / (12000 / 300 + 2))
    assert plan.epochs == pytest.approx(4, rel=0.02)


def test_little_time_goes_into_enough_candidates_that_see_every_picture_once() -> None:
    plan = plan_search(600, [300.0], workers=2, num_pictures=3000, batch_size=16)
    assert plan.trials == 48
    assert 1 < plan.epochs < 4
    assert plan_search(120, [300.0], workers=2, num_pictures=3000, batch_size=16).epochs == pytest.approx(1, rel=0.1)


def test_much_time_goes_into_more_pictures_for_plenty_of_candidates() -> None:
    plan = plan_search(8 * 3600, [300.0], workers=2, num_pictures=3000, batch_size=16)
    assert plan.trials == 400
    assert plan.epochs > 10


def test_the_users_number_of_candidates_is_kept() -> None:
    assert plan_search(600, [300.0, 150.0], workers=1, num_pictures=3000, batch_size=16, trials=7).trials == 7


def test_the_users_number_of_pictures_is_kept() -> None:
    plan = plan_search(600, [300.0], workers=2, num_pictures=3000, batch_size=16, pictures=1500)
    assert (plan.pictures, plan.trials) == (1500, round(1200 / (1500 / 300 + 2)))
    both = plan_search(600, [300.0], workers=2, num_pictures=3000, batch_size=16, pictures=1500, trials=9)
    assert (both.pictures, both.trials) == (1500, 9)


def test_a_candidate_takes_a_hundred_steps_however_few_the_pictures_are() -> None:
    plan = plan_search(3600, [20.0], workers=2, num_pictures=160, batch_size=16)
    assert plan.pictures >= 1600
    assert plan.is_worth
    assert not plan_search(600, [20.0], workers=2, num_pictures=160, batch_size=16).is_worth


def test_half_a_training_tells_of_a_candidate_that_inherits() -> None:
    anew, inherited = (
        plan_search(200, [300.0], workers=2, num_pictures=6000, batch_size=16, inherited=each) for each in (False, True)
    )
    assert anew.pictures == pytest.approx(6000, rel=0.1)
    assert inherited.pictures == pytest.approx(3000, rel=0.1)
    assert inherited.trials > 1.6 * anew.trials


@example(60.0, [5.0], 1, 156)  # two trainings would need 10 % more
@given(
    st.floats(60, 50_000),
    st.lists(st.floats(5, 5000), min_size=1, max_size=4),
    st.integers(1, 64),
    st.integers(50, 100_000),
)
def test_a_plan_takes_the_time_that_it_was_given_unless_that_is_too_little(
    seconds: float, speeds: list[float], workers: int, num_pictures: int
) -> None:
    plan = plan_search(seconds, speeds, workers=workers, num_pictures=num_pictures, batch_size=1)
    assert plan.trials >= 1
    assert plan.epochs >= 0.99
    one_training = (max(num_pictures, 100) / plan.pictures_per_s + 2) / workers
    assert plan.seconds <= 1.01 * max(seconds, one_training)  # pictures are whole


def test_a_plan_describes_itself() -> None:
    text = plan_search(3600, [300.0], workers=2, num_pictures=3000, batch_size=16).describe()
    assert text.startswith("1 h")
    assert "171 proxy trainings" in text
