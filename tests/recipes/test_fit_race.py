"""Who may enter a race."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.data.samples import Sample
from edgesmith.recipes.fit_race import affordable, luck
from edgesmith.search.race import plan_rungs
from edgesmith.tasks.classification import Classification
from edgesmith.tasks.segmentation import Segmentation

NAMES = tuple(f"net{number}" for number in range(12))


@pytest.mark.parametrize(
    ("seconds", "count"),
    [
        (10_000.0, 12),  # 12, 4, 2: 278 s each in the first round
        (720.0, 12),  # 20 s
        (719.0, 11),  # 21.8 s
        (500.0, 9),  # 9 and 3: 27.8 s; with 10 there are three rounds, of 16.7 s each
        (100.0, 3),
        (1.0, 3),
    ],
)
def test_so_many_race_that_the_first_round_tells_something(seconds: float, count: int) -> None:
    assert affordable(NAMES, seconds, least_s=20.0) == NAMES[:count]


@given(st.integers(0, 12), st.floats(1, 1e4), st.floats(1, 1e3))
def test_the_preferred_stay_and_the_first_round_is_long_enough(num: int, seconds: float, least_s: float) -> None:
    chosen = affordable(NAMES[:num], seconds, least_s=least_s)
    assert chosen == NAMES[: len(chosen)]
    if len(chosen) > 3:
        assert plan_rungs(len(chosen), seconds)[0].seconds >= least_s


def test_luck_is_what_the_most_common_class_may_reach() -> None:
    held = [Sample(name=f"{number}.jpg", label=max(0, number - 59)) for number in range(100)]
    task = Classification(tuple(map(str, range(41))))
    assert luck(held, task) == pytest.approx(0.6 + 1.96 * (0.6 * 0.4 / 100) ** 0.5)
    assert luck(held, Segmentation(("a", "b"))) == 0.0
