"""MnasNet's controller: a recurrent network that spells a point choice by choice, trained by PPO."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.core.seed import derive
from edgesmith.search.strategies.policy import Floats, PolicySearch, Sampled, draw


@dataclass(frozen=True, kw_only=True)
class Ppo:
    """Numbers of the controller and of its updates.

    Attributes:
        units: Width of the memory.
        batch: Samples of an update.
        epochs: Steps on each batch.
        clip: How far a step may move a probability, relative.
        rate: Adam's learning rate.
        entropy: Weight of keeping choices open, in the beginning.
        entropy_halves: Samples after which that weight has halved.
        baseline: Share of the old in the moving average that rewards are compared with.
    """

    units: int = 100
    batch: int = 20
    epochs: int = 6
    clip: float = 0.2
    rate: float = 4e-4
    entropy: float = 0.05
    entropy_halves: float = 500
    baseline: float = 0.9


DEFAULT: Final = Ppo()
# MnasNet publishes none of these numbers; these are NASNet's, whose agent it takes, as far as they are remembered.
PAPER: Final = Ppo(rate=3.5e-4, entropy=1e-5, entropy_halves=math.inf, baseline=0.95)


class Controller(PolicySearch):
    """An LSTM of one layer (Zoph et al. 2018); proximal policy updates (Schulman et al. 2017).

    Each choice is an action with a ratio of its own. The default numbers are edgesmith's.
    """

    name = "controller"

    def __init__(self, space: Space, *, seed: int, ppo: Ppo = DEFAULT) -> None:
        """Begin with small random weights, so with a nearly even policy."""
        super().__init__(space, seed=seed)
        self._ppo = ppo
        self._open = [place for place, choice in enumerate(space.choices) if len(choice.options) > 1]
        self._speller: Any = None
        self._batch: list[tuple[Sampled, float]] = []
        self._baseline: float | None = None
        self._improved = 0

    def sample(self, count: int, rng: np.random.Generator) -> list[tuple[Encoding, Floats]]:
        """Spell so many points side by side."""
        return self._spell(count, lambda probabilities: draw(probabilities, rng))

    def mode(self) -> Encoding:
        """Spell it with the likeliest option each time."""
        return self.space.normal(self._spell(1, lambda probabilities: int(np.argmax(probabilities)))[0][0])

    def improve(self, sampled: Sampled, score: float) -> None:
        """Collect a batch, then update."""
        self._batch.append((sampled, score))
        if len(self._batch) == self._ppo.batch:
            self._update()
            self._batch.clear()

    def _spell(self, count: int, choose: Callable[[Floats], int]) -> list[tuple[Encoding, Floats]]:
        import torch

        tokens = np.zeros((count, len(self.space.choices)), dtype=np.int64)
        logs = np.zeros(tokens.shape)
        with torch.no_grad():
            speller, before = self._opened(), torch.zeros(count, dtype=torch.int64)
            state = speller.begin(count)
            for step, place in enumerate(self._open):
                found, state = speller.step(step, before, state)
                all_logs = found.double().numpy()
                tokens[:, place] = [choose(np.exp(row)) for row in all_logs]
                logs[:, place] = all_logs[np.arange(count), tokens[:, place]]
                before = torch.from_numpy(tokens[:, place].copy())
        return list(zip(map(tuple, tokens.tolist()), logs, strict=True))

    def _update(self) -> None:
        import torch

        speller, ppo = self._opened(), self._ppo
        scores = np.array([score for _, score in self._batch])
        mean = float(scores.mean())
        self._baseline = mean if self._baseline is None else ppo.baseline * self._baseline + (1 - ppo.baseline) * mean
        spread = float(scores.std()) or 1.0
        advantages = torch.tensor((scores - self._baseline) / spread, dtype=torch.float32)[:, None]
        samples = [sampled for sampled, _ in self._batch]
        tokens = torch.tensor([sampled.tokens for sampled in samples])[:, self._open]
        used = torch.tensor([sampled.active for sampled in samples], dtype=torch.float32)[:, self._open]
        before = torch.tensor(np.array([each.log_probabilities for each in samples]), dtype=torch.float32)[
            :, self._open
        ]
        weight = ppo.entropy * 0.5 ** (self._improved / ppo.entropy_halves)
        for _ in range(ppo.epochs):
            logs, entropy = speller.judge(tokens)
            ratio = (logs - before).exp()
            clipped = ratio.clamp(1 - ppo.clip, 1 + ppo.clip)
            gain = (torch.minimum(ratio * advantages, clipped * advantages) * used).sum(dim=1).mean()
            loss = -gain - weight * (entropy * used).sum(dim=1).mean()
            speller.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(speller.parameters(), 1.0)
            speller.optimizer.step()
        self._improved += len(self._batch)

    def _opened(self) -> Any:
        if self._speller is None:
            from edgesmith.search.speller import Speller

            sizes = [len(self.space.choices[place].options) for place in self._open]
            self._speller = Speller(
                sizes, units=self._ppo.units, rate=self._ppo.rate, seed=derive(self.seed, self.name)
            )
        return self._speller
