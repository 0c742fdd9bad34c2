"""What may be asked of a search, and what a strategy then sees of an evaluation."""

from __future__ import annotations

from typing import Any

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.recipes.judging import make_judge
from edgesmith.recipes.proxy_wishes import ProxyWishes
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.search.limits import Limits

VALUES = {"accuracy": 0.8, "ms": 2.0, "parameters": 1e6, "peak_bytes": 3e5, "madds": 5e7}


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"space": "mobilenetv3"}, "mobilenet_v3_large"),
        ({"workers": "rai"}, "did you mean 'ray'"),
        ({"workers": "ray:auto,gpus=x"}, "gpus=0.5"),
        ({"workers": "processes:two"}, "processes:4"),
        ({"workers": "here:2"}, "say here"),
        ({"study": "mysql://somewhere"}, "sqlite:///FILE"),
        ({"scoring": "super"}, "supernet"),
        ({"strategy": "surogate"}, "surrogate"),
        ({"reward": "sofd"}, "soft"),
        ({"trials": 0}, "at least 1"),
        ({"objectives": ("accuracy", "latncy")}, "latency"),
        ({"objectives": ("latency",)}, "name accuracy"),
        ({"objectives": ("accuracy", "accuracy")}, "each once"),
        ({"objectives": ("accuracy", "latency"), "strategy": "tpe"}, "choose one of surrogate, predicted, nsga2"),
        ({"objectives": ("accuracy", "latency", "parameters", "memory", "madds")}, "name fewer"),
        ({"objectives": ("accuracy", "latency"), "reward": "soft"}, "makes one number of all"),
    ],
)
def test_wrong_wishes_are_answered_at_once(wishes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SearchWishes(**wishes)


def test_where_trainings_run_does_not_decide_the_result() -> None:
    assert SearchWishes(workers="8", study="sqlite:///s.db").settings() == SearchWishes().settings()
    assert SearchWishes(trials=8).settings() != SearchWishes().settings()


@pytest.mark.parametrize(("name", "value"), [("pictures", 0), ("scale", 0.0), ("scale", 1.1), ("subset", -0.5)])
def test_a_short_training_that_cannot_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"--proxy {name}={value:g}"):
        ProxyWishes(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("objectives", "goals"),
    [
        (("accuracy",), ()),
        (("accuracy", "latency"), (0.8, -2.0)),
        (("memory", "accuracy", "parameters", "madds"), (-3e5, 0.8, -1e6, -5e7)),
    ],
)
def test_goals_are_all_raised(objectives: tuple[str, ...], goals: tuple[float, ...]) -> None:
    result = make_judge(SearchWishes(objectives=objectives), Limits(latency_ms=4.0))(VALUES)
    assert (result.score, result.goals, result.violation) == (0.8, goals, 0.0)


@pytest.mark.parametrize(
    ("limits", "violation"),
    [
        (Limits(latency_ms=1.6), 0.25),
        (Limits(latency_ms=4.0, size_bytes=3_200_000), 0.25),
        (Limits(latency_ms=4.0, memory_bytes=200_000), 0.5),
        (Limits(latency_ms=4.0, size_bytes=4_000_000, memory_bytes=300_000), 0.0),
    ],
)
def test_every_limit_counts(limits: Limits, violation: float) -> None:
    assert make_judge(SearchWishes(), limits)(VALUES).violation == pytest.approx(violation)


def test_a_reward_has_latency_in_it_but_not_the_other_limits() -> None:
    judge = make_judge(SearchWishes(reward="soft"), Limits(latency_ms=1.0, size_bytes=3_200_000))
    result = judge(VALUES)
    assert result.score == pytest.approx(0.8 * 2**-0.07)
    assert result.violation == pytest.approx(0.25)
