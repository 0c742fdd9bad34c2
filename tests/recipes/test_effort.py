"""Promises of time."""

from __future__ import annotations

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.recipes.effort import announce_all, plan_time


@pytest.mark.parametrize(("effort", "minutes"), [("quick", 25), ("standard", 120), ("thorough", 480)])
def test_a_plan_stays_within_its_promise(effort: str, minutes: float) -> None:
    plan = plan_time(effort, None)
    assert 0.75 * 60 * minutes < plan.total_s < 0.95 * 60 * minutes
    assert plan.race_s + plan.finish_s < 0.4 * plan.total_s


def test_time_overrides_effort() -> None:
    assert plan_time("quick", "10m").total_s == pytest.approx(0.9 * 600)


@pytest.mark.parametrize(("effort", "time"), [("slow", None), ("quick", "soon"), ("quick", "0m")])
def test_nonsense_is_refused(effort: str, time: str | None) -> None:
    with pytest.raises(UsageError):
        plan_time(effort, time)


def test_the_forecast_is_there_before_anything_is_done() -> None:
    assert announce_all(plan_time("quick", "10m")).startswith("forecast: 9 min in all at most: 1 min 5 s for the race")
    assert "3 min 36 s for the search" in announce_all(plan_time("quick", "10m", search=True))
