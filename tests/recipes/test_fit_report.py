"""What a report says of contenders."""

from __future__ import annotations

import pytest

from edgesmith.recipes.fit_race import Race
from edgesmith.recipes.fit_report import fate_of
from edgesmith.report.content import Outcome
from edgesmith.search.race import Standing

RACE = Race(
    winner="first",
    standings={
        "first": Standing(rung=1, score=0.7),
        "second": Standing(rung=1, score=0.6),
        "third": Standing(rung=0, score=0.5),
    },
    pictures={},
    intervals={},
)


@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("first", Outcome.WINNER, "highest score in the last round"),
        ("second", Outcome.RACED, "lower score in the last round"),
        ("third", Outcome.STOPPED, "lower score in round 1"),
        ("fourth", Outcome.LEFT_OUT, "there was time for 3 networks in the race"),
    ],
)
def test_each_contender_is_told_how_far_it_came(name: str, outcome: Outcome, reason: str) -> None:
    assert fate_of(name, RACE) == (outcome, reason)


def test_where_one_fits_there_is_no_race() -> None:
    race = Race(winner="only", standings={}, pictures={}, intervals={})
    assert fate_of("only", race) == (Outcome.WINNER, "the only one that fits")
