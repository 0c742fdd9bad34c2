"""What strategies have in common that learn a policy: they propose its samples and hand over its mode."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.search.strategies.base import Strategy, Trial

Floats = NDArray[np.float64]

_ROUNDS: Final = 100


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """One sample of a policy.

    Attributes:
        tokens: The option drawn for each choice, those without effect included.
        active: For each choice whether it has an effect.
        log_probabilities: ``(choices,)`` of the options drawn, when they were drawn.
    """

    tokens: Encoding
    active: tuple[bool, ...]
    log_probabilities: Floats


class PolicySearch(Strategy):
    """Learns from its own samples only: a point from elsewhere was drawn by another policy."""

    def __init__(self, space: Space, *, seed: int) -> None:
        """Begin with an even policy."""
        super().__init__(space, seed=seed)
        self._pending: dict[Encoding, deque[Sampled]] = {}

    def propose(self, count: int, rng: np.random.Generator) -> list[Encoding]:
        """Samples of the policy, which may repeat; what exceeds the limits is drawn again.

        Where the policy hardly ever keeps them, points of the space that do take the place of its samples, and teach
        it nothing.
        """
        found: list[Encoding] = []
        for _ in range(_ROUNDS):
            for tokens, log_probabilities in self.sample(count - len(found), rng):
                point = self.space.normal(tokens)
                if self.space.allows(point):
                    sampled = Sampled(
                        tokens=tokens, active=self.space.active(tokens), log_probabilities=log_probabilities
                    )
                    self._pending.setdefault(point, deque()).append(sampled)
                    found.append(point)
            if len(found) == count:
                return found
        return found + [self.space.sample(rng) for _ in range(count - len(found))]

    def learn(self, trials: Sequence[Trial]) -> None:
        """Improve the policy by what became of its samples."""
        for trial in trials:
            waiting = self._pending.get(trial.point)
            if waiting:
                score = trial.result.score if trial.result.violation <= 0 else -trial.result.violation
                self.improve(waiting.popleft(), score)

    @abstractmethod
    def sample(self, count: int, rng: np.random.Generator) -> list[tuple[Encoding, Floats]]:
        """So many times an option for each choice, and the logarithms of their probabilities."""

    @abstractmethod
    def improve(self, sampled: Sampled, score: float) -> None:
        """Learn from one sample."""

    @abstractmethod
    def mode(self) -> Encoding:
        """The point that the policy thinks best: the likeliest option of each choice in turn."""


def draw(probabilities: Floats, rng: np.random.Generator) -> int:
    """A number drawn by its probability."""
    return min(int(np.searchsorted(np.cumsum(probabilities), rng.random())), len(probabilities) - 1)
