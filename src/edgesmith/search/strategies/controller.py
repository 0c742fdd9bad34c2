"""MnasNet's controller: a recurrent network that spells a point choice by choice, trained by PPO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.core.seed import derive
from edgesmith.search.strategies.policy import Floats, PolicySearch, Sampled, draw

if TYPE_CHECKING:
    pass

_UNITS: Final = 100
_BATCH: Final = 20
_EPOCHS: Final = 10
_CLIP: Final = 0.2
_RATE: Final = 3e-3
_ENTROPY: Final = 0.02
_ENTROPY_HALVES: Final = 400
_BASELINE: Final = 0.9


class Controller(PolicySearch):
    """An LSTM of one layer (Zoph et al. 2018); proximal policy updates (Schulman et al. 2017) of batches of 20.

    The MnasNet paper names the agent and the algorithm and gives none of the numbers; those here are edgesmith's.
    """

    name = "controller"

    def __init__(self, space: Space, *, seed: int) -> None:
        """Begin with small random weights, so with a nearly even policy."""
        super().__init__(space, seed=seed)
        self._speller: Any = None
        self._batch: list[tuple[Sampled, float]] = []
        self._baseline: float | None = None
        self._improved = 0

    def sample(self, rng: np.random.Generator) -> tuple[Encoding, Floats]:
        """Spell a point."""
        return self._spell(lambda probabilities: draw(probabilities, rng))

    def mode(self) -> Encoding:
        """Spell it with the likeliest option each time."""
        return self.space.normal(self._spell(lambda probabilities: int(np.argmax(probabilities)))[0])

    def improve(self, sampled: Sampled, score: float) -> None:
        """Collect a batch, then update."""
        self._batch.append((sampled, score))
        if len(self._batch) == _BATCH:
            self._update()
            self._batch.clear()

    def _spell(self, choose: Any) -> tuple[Encoding, Floats]:
        import torch

        tokens: list[int] = []
        logs: list[float] = []
        with torch.no_grad():
            speller = self._opened()
            state = speller.begin(1)
            for place in range(len(self.space.choices)):
                logits, state = speller.step(place, torch.tensor(tokens[-1:]), state)
                log_probabilities = logits.log_softmax(dim=1)[0].double().numpy()
                token = choose(np.exp(log_probabilities))
                tokens.append(token)
                logs.append(float(log_probabilities[token]))
        return tuple(tokens), np.array(logs)

    def _update(self) -> None:
        import torch

        speller = self._opened()
        scores = np.array([score for _, score in self._batch])
        mean = float(scores.mean())
        self._baseline = mean if self._baseline is None else _BASELINE * self._baseline + (1 - _BASELINE) * mean
        spread = float(scores.std()) or 1.0
        advantages = torch.tensor((scores - self._baseline) / spread, dtype=torch.float32)
        tokens = torch.tensor([sampled.tokens for sampled, _ in self._batch])
        used = torch.tensor([sampled.active for sampled, _ in self._batch], dtype=torch.float32)
        before = torch.tensor(np.array([sampled.log_probabilities for sampled, _ in self._batch]), dtype=torch.float32)
        weight = _ENTROPY * 0.5 ** (self._improved / _ENTROPY_HALVES)
        for _ in range(_EPOCHS):
            logs, entropy = speller.judge(tokens)
            ratio = ((logs - before) * used).sum(dim=1).exp()
            clipped = ratio.clamp(1 - _CLIP, 1 + _CLIP)
            gain = torch.minimum(ratio * advantages, clipped * advantages).mean()
            loss = -gain - weight * (entropy * used).sum(dim=1).mean()
            speller.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(speller.parameters(), 1.0)
            speller.optimizer.step()
        self._improved += len(self._batch)

    def _opened(self) -> Any:
        if self._speller is None:
            from edgesmith.search.speller import Speller

            sizes = [len(choice.options) for choice in self.space.choices]
            self._speller = Speller(sizes, units=_UNITS, rate=_RATE, seed=derive(self.seed, self.name))
        return self._speller
