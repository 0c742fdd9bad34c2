"""REINFORCE over independent choices, as in TuNAS (Bender et al. 2020)."""

from __future__ import annotations

from typing import Final

import numpy as np

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.search.strategies.policy import Floats, PolicySearch, Sampled, draw
from edgesmith.tasks.classes import softmax

_RATE: Final = 0.3
_BASELINE: Final = 0.95
_SCALE: Final = 0.95
_FIRST: Final = 10


class Reinforce(PolicySearch):
    """A categorical distribution for each choice; the reward less its moving average pushes what was chosen.

    Rewards are divided by their moving spread, so that the rate suits accuracies and percents alike.
    """

    name = "reinforce"

    def __init__(self, space: Space, *, seed: int) -> None:
        """Begin with even distributions."""
        super().__init__(space, seed=seed)
        self._logits = [np.zeros(len(choice.options)) for choice in space.choices]
        self._early: list[float] = []
        self._baseline = self._spread = 0.0

    def sample(self, count: int, rng: np.random.Generator) -> list[tuple[Encoding, Floats]]:
        """An option for each choice, on its own."""
        policy = [softmax(logits) for logits in self._logits]
        drawn = [tuple(draw(probabilities, rng) for probabilities in policy) for _ in range(count)]
        return [(tokens, np.log([row[token] for row, token in zip(policy, tokens, strict=True)])) for tokens in drawn]

    def improve(self, sampled: Sampled, score: float) -> None:
        """One step; the first few samples only set the baseline."""
        if len(self._early) < _FIRST:
            self._early.append(score)
            self._baseline, self._spread = float(np.mean(self._early)), float(np.std(self._early)) or 1.0
            return
        advantage = (score - self._baseline) / (self._spread or 1.0)
        self._baseline = _BASELINE * self._baseline + (1 - _BASELINE) * score
        self._spread = _SCALE * self._spread + (1 - _SCALE) * abs(score - self._baseline)
        for logits, token, used in zip(self._logits, sampled.tokens, sampled.active, strict=True):
            if used:
                push = -softmax(logits)
                push[token] += 1
                logits += _RATE * float(np.clip(advantage, -3, 3)) * push

    def mode(self) -> Encoding:
        """The likeliest option of each choice."""
        return self.space.normal(tuple(int(np.argmax(logits)) for logits in self._logits))
