"""What a search's strategy sees of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.search.goals import goals_of
from edgesmith.search.limits import Limits
from edgesmith.search.settle import Judge
from edgesmith.search.strategies.base import Result


def make_judge(wishes: SearchWishes, limits: Limits) -> Judge:
    """The accuracy, or several goals, under the limits; with a reward, latency is in the reward and is no limit."""
    reward = wishes.make_reward(limits.latency_ms)
    hard = limits if reward is None else replace(limits, latency_ms=math.inf)

    def judge(values: Mapping[str, float]) -> Result:
        accuracy, ms = values["accuracy"], values["ms"]
        return Result(
            score=accuracy if reward is None else reward.of(accuracy, ms),
            goals=goals_of(wishes.objectives, values),
            violation=hard.excess_of(ms, parameters=values["parameters"], peak_bytes=values["peak_bytes"]),
        )

    return judge
