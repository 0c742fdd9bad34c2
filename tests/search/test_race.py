"""Successive halving."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.search.race import Rung, plan_rungs, race


@given(st.integers(2, 60), st.floats(1, 1e5), st.integers(2, 5))
def test_the_rounds_share_the_time_and_shrink(num: int, seconds: float, eta: int) -> None:
    rungs = plan_rungs(num, seconds, eta=eta)
    assert sum(rung.num_runners * rung.seconds for rung in rungs) == pytest.approx(seconds)
    assert rungs[0].num_runners == num
    counts = [rung.num_runners for rung in rungs]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] >= 2


def test_one_runner_needs_no_race() -> None:
    assert plan_rungs(1, 100) == ()
    assert race(["only"], (), lambda *_: 0.0) == ("only", {})


def test_the_best_of_each_round_go_on() -> None:
    ability = {"a": 0.1, "b": 0.9, "c": 0.5, "d": 0.8, "e": 0.2}
    seen: list[tuple[int, str]] = []

    def evaluate(name: str, number: int, rung: Rung) -> float:
        seen.append((number, name))
        return ability[name] if number == 0 else -ability[name]

    winner, standings = race(list(ability), plan_rungs(5, 60), evaluate)
    assert [name for number, name in seen if number == 1] == ["b", "d"]
    assert winner == "d"
    assert {name for name, standing in standings.items() if standing.rung == 1} == {"b", "d"}


def test_of_equal_scores_the_earlier_wins() -> None:
    assert race(["first", "second"], plan_rungs(2, 10), lambda *_: 0.5)[0] == "first"


def test_ties_keep_the_order_of_preference_through_every_round() -> None:
    runners = [f"net{i}" for i in range(10)]
    rounds: dict[int, list[str]] = {}

    def evaluate(name: str, number: int, rung: Rung) -> float:
        rounds.setdefault(number, []).append(name)
        return 0.5

    winner, standings = race(runners, plan_rungs(10, 90), evaluate)
    assert winner == "net0"
    assert list(rounds.values()) == [runners, runners[:4], runners[:2]]
    assert [standings[name].rung for name in runners] == [2, 2, 1, 1, 0, 0, 0, 0, 0, 0]


def test_what_nobody_has_learned_yet_does_not_decide() -> None:
    scores = {"a": 0.09, "b": 0.12, "c": 0.10, "d": 0.11}
    rungs = plan_rungs(4, 60)
    assert race(list(scores), rungs, lambda name, *_: scores[name])[0] == "b"
    winner, standings = race(list(scores), rungs, lambda name, *_: scores[name], floor=0.13)
    assert winner == "a"
    assert standings["b"].score == 0.12
    assert race(list(scores), rungs, lambda name, *_: scores[name] + 0.4 * (name == "d"), floor=0.13)[0] == "d"


def test_a_round_says_how_long_each_may_train() -> None:
    assert [(rung.num_runners, rung.seconds) for rung in plan_rungs(9, 180)] == [(9, 10.0), (3, 30.0)]
