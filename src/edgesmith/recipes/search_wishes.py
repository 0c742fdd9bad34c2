"""What is asked of an architecture search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from edgesmith.arch.space.presets import SPACES
from edgesmith.core.config import to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup
from edgesmith.recipes.proxy_wishes import DEFAULT as DEFAULT_PROXY
from edgesmith.recipes.proxy_wishes import ProxyWishes
from edgesmith.search.executors.table import check_executor
from edgesmith.search.goals import ACCURACY, GOALS
from edgesmith.search.objective import EXPONENT, EXPONENT_SMALL, SLOPE, SLOPE_PROXY, Reward, Shape
from edgesmith.search.storage import check_url
from edgesmith.search.strategies.table import DEFAULT, STRATEGIES, require_goals

AUTO: Final = "auto"

# By name: shape, and exponent or slope; None raises accuracy alone, under the limits.
REWARDS: Final[Mapping[str, tuple[Shape, float] | None]] = MappingProxyType(
    {
        "accuracy": None,
        "absolute": (Shape.ABSOLUTE, SLOPE_PROXY),
        "absolute-tunas": (Shape.ABSOLUTE, SLOPE),
        "soft": (Shape.SOFT, EXPONENT),
        "soft-small": (Shape.SOFT, EXPONENT_SMALL),
        "hard": (Shape.HARD, EXPONENT),
    }
)


PROXY: Final = "proxy"
ONESHOT: Final = "oneshot"
# How candidates are scored: each after a short training of its own, or all with the weights of one supernet, which is
# trained alone or with a policy beside it.
SCORING: Final = MappingProxyType({PROXY: PROXY, "supernet": "supernet", ONESHOT: ONESHOT})


@dataclass(frozen=True, kw_only=True)
class SearchWishes:
    """What is asked of an architecture search; all that decides its result.

    Attributes:
        space: Name of a space; ``auto`` takes the one around the zoo's net that does best on the pictures.
        strategy: Name of a strategy.
        scoring: ``proxy`` (a short training each), ``supernet`` (one training for all) or ``oneshot`` (one training for
            all, with a policy beside it, whose choice is tried first: TuNAS).
        objectives: Goals that are raised side by side, accuracy among them; with more than one the strategy looks for a
            front, and the most accurate of it is trained.
        proxy: How a candidate is tried.
        reward: Name of a reward. ``accuracy`` never proposes what exceeds a limit by its estimate; the others are
            MnasNet's and TuNAS', which do, so that latency can pull against accuracy.
        trials: Candidates to try; None takes what the time buys.
        batch: How many are proposed at a time; None proposes two for each worker here.
        random: Whether as many random candidates are tried beside it, for comparison.
        study: URL of the storage; None is a file in the run folder.
        workers: Executor as typed, or a number of processes; None takes a process for each core.
        if_worth: Whether to leave it where the time buys too few candidates.
    """

    space: str = AUTO
    strategy: str = DEFAULT
    scoring: str = PROXY
    objectives: tuple[str, ...] = (ACCURACY,)
    proxy: ProxyWishes = DEFAULT_PROXY
    reward: str = "accuracy"
    trials: int | None = None
    batch: int | None = None
    random: bool = False
    study: str | None = None
    workers: str | None = None
    if_worth: bool = False

    def __post_init__(self) -> None:
        lookup(STRATEGIES, self.strategy, what="search strategy")
        lookup(REWARDS, self.reward, what="reward")
        lookup(SCORING, self.scoring, what="way of scoring")
        for name in self.objectives:
            lookup(GOALS, name, what="objective")
        if ACCURACY not in self.objectives or len(set(self.objectives)) < len(self.objectives):
            raise UsageError(f"--objective {','.join(self.objectives)}: name accuracy and others, each once")
        if self.is_front:
            require_goals(self.strategy, len(self.objectives))
            if REWARDS[self.reward] is not None:
                raise UsageError(f"--reward {self.reward} makes one number of all; leave it, or name one --objective")
        if self.space != AUTO:
            lookup(SPACES, self.space, what="search space")
        check_executor(self.executor)
        if self.study is not None:
            check_url(self.study)
        if self.trials is not None and self.trials < 1:
            raise UsageError(f"a search tries at least 1 candidate, got {self.trials}")
        if self.batch is not None and self.batch < 1:
            raise UsageError(f"a search proposes at least 1 candidate at a time, got --batch {self.batch}")

    def make_reward(self, target_ms: float) -> Reward | None:
        """The reward with its target; None where accuracy alone counts."""
        found = lookup(REWARDS, self.reward, what="reward")
        if found is None:
            return None
        shape, pull = found
        if shape is Shape.ABSOLUTE:
            return Reward(target_ms=target_ms, shape=shape, slope=pull)
        return Reward(target_ms=target_ms, shape=shape, exponent=pull)

    @property
    def is_front(self) -> bool:
        """Whether several goals are raised side by side."""
        return len(self.objectives) > 1

    def settings(self) -> dict[str, Any]:
        """What decides the result: not where trainings run, nor where the study lives."""
        return {name: value for name, value in to_dict(self).items() if name not in ("workers", "study")}

    @property
    def executor(self) -> str:
        """The executor's name with its argument."""
        if self.workers is None:
            return "processes"
        return f"processes:{self.workers}" if self.workers.isdecimal() else self.workers
