"""What a strategy is: a pure function of space, seed and history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.core.errors import UsageError
from edgesmith.core.seed import generator

_TRIES_A_POINT = 200


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a point was worth.

    Attributes:
        score: What strategies for one goal raise, such as the reward.
        goals: What strategies for a front raise, each for itself: accuracy, minus latency.
        violation: How far hard limits are exceeded, relative; 0 where all are kept.
    """

    score: float
    goals: tuple[float, ...] = ()
    violation: float = 0.0

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Sorts results, the best last: what keeps the limits before what does not."""
        return self.violation <= 0, -self.violation, self.score


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A point and its result."""

    point: Encoding
    result: Result


class Strategy(ABC):
    """Proposes points. Asked in the same sizes and told the same results in the same order, it proposes the same.

    Attributes:
        name: In the table of strategies.
        most_goals: Goals that it can raise side by side; more than one makes a front.
        history: All trials so far, in the order told.
    """

    name: ClassVar[str]
    most_goals: ClassVar[int] = 1

    def __init__(self, space: Space, *, seed: int, num_goals: int = 1) -> None:
        """Begin without a history.

        Args:
            space: Whose choices it makes.
            seed: Of all that it draws.
            num_goals: Length of `Result.goals`, at most `most_goals`; 1 where there is one score instead.
        """
        self.space = space
        self.seed = seed
        self.num_goals = num_goals
        self.history: list[Trial] = []
        self._asked = 0

    def ask(self, count: int) -> tuple[Encoding, ...]:
        """The next points to evaluate.

        Raises:
            UsageError: ``count`` is not at least 1.
        """
        if count < 1:
            raise UsageError(f"a strategy is asked for at least 1 point, got {count}")
        rng = generator(self.seed, self.name, self._asked)
        self._asked += count
        return tuple(self.propose(count, rng))

    def tell(self, trials: Sequence[Trial]) -> None:
        """Take the results of points in the order in which they were asked for; points from elsewhere are welcome."""
        self.history += trials
        self.learn(trials)

    def best(self) -> Trial:
        """The trial that the strategy would hand over: an evaluated one.

        Raises:
            UsageError: Nothing was told yet.
        """
        if not self.history:
            raise UsageError("nothing was evaluated yet")
        return max(self.history, key=lambda trial: trial.result.rank)

    @abstractmethod
    def propose(self, count: int, rng: np.random.Generator) -> list[Encoding]:
        """So many points, given `history`."""

    def learn(self, trials: Sequence[Trial]) -> None:  # noqa: B027 - most strategies need no more than the history
        """Take in new trials, which are in `history` already; without effect where history is all there is."""

    def fresh(self, rng: np.random.Generator, known: set[Encoding], *, count: int = 1) -> list[Encoding]:
        """Points drawn evenly that are not known, and now are; known ones where new ones are hard to find."""
        found = []
        for _ in range(count):
            for _ in range(_TRIES_A_POINT):
                point = self.space.sample(rng)
                if point not in known:
                    break
            known.add(point)
            found.append(point)
        return found

    def known(self) -> set[Encoding]:
        """Points that were told."""
        return {trial.point for trial in self.history}


def worst_result(history: Sequence[Trial], *, num_goals: int) -> Result:
    """What strategies are told of a failed evaluation: beyond a limit, and no better than anything before it."""
    scores = [trial.result.score for trial in history]
    goals = [trial.result.goals for trial in history] if num_goals else []
    return Result(
        score=min(scores, default=0.0),
        goals=tuple(min(column) for column in zip(*goals, strict=True)) or (0.0,) * num_goals,
        violation=1.0,
    )
