"""TuNAS' policy: an independent distribution for each choice, moved by REINFORCE with Adam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edgesmith.arch.space.choices import Encoding
from edgesmith.core.errors import UsageError
from edgesmith.core.seed import generator
from edgesmith.search.strategies.policy import Floats, PolicySearch, Sampled, draw
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.tasks.classes import softmax

_SQUARES, _EPSILON = 0.999, 1e-8  # Adam's usual; its first moment is off, as published
_TRIES: Final = 16
_MODE_DRAWS: Final = 256


@dataclass(frozen=True, kw_only=True)
class PolicyConfig:
    """How the policy learns.

    Attributes:
        warmup_share: Share of the run in which weights learn alone; published.
        rate: Adam's rate at the policy's first step; the published value is 3e-4. None takes edgesmith's: so much that
            the rates of all steps add up to ``travel``, because published rates are for runs that few can pay.
        growth: Factor by which the rate grows over the run, exponentially; published.
        travel: Logits that a choice can move in a run, where ``rate`` is None; edgesmith's.
        baseline: Decay of the reward's moving average; published.
    """

    warmup_share: float = 0.25
    rate: float | None = None
    growth: float = 10.0
    travel: float = 12.0
    baseline: float = 0.95

    def __post_init__(self) -> None:
        if not 0 <= self.warmup_share < 1 or not 0 <= self.baseline < 1:
            raise UsageError(
                f"warmup_share and baseline must be from 0 to below 1, got {self.warmup_share:g} and {self.baseline:g}"
            )
        if min(self.growth, self.travel, 1.0 if self.rate is None else self.rate) <= 0:
            raise UsageError(f"rate, growth and travel must be above 0, got {self.rate}, {self.growth}, {self.travel}")


PUBLISHED: Final = PolicyConfig(rate=3e-4)


class TunasPolicy(PolicySearch):
    """Samples within the caller's limit; better rewards than the moving average make what was chosen likelier.

    Paper: Bender et al. 2020 (TuNAS): independent choices, Adam without a first moment, a growing rate.

    Args:
        family: Whose nets.
        draw: Knows the limit.
        config: How it learns.
        steps: Steps that it will be given in the run.
        seed: Of its samples.
    """

    name = "tunas"

    def __init__(self, family: Family, draw: Draw, config: PolicyConfig, *, steps: int, seed: int) -> None:
        super().__init__(family.space, seed=seed)
        self.family = family
        self._draw, self._config, self._steps = draw, config, max(1, steps)
        self._logits = [np.zeros(len(choice.options)) for choice in family.space.choices]
        self._squares = [np.zeros(len(choice.options)) for choice in family.space.choices]
        self._baseline: float | None = None
        self._done = 0

    def probabilities(self) -> tuple[Floats, ...]:
        """For each choice the probabilities of its options."""
        return tuple(softmax(logits) for logits in self._logits)

    def sample(self, count: int, rng: np.random.Generator) -> list[tuple[Encoding, Floats]]:
        """So many times an option for each choice, drawn again while the net is above the limit."""
        table = self.probabilities()
        return [self._draw_within(table, rng) for _ in range(count)]

    def _draw_within(self, table: tuple[Floats, ...], rng: np.random.Generator) -> tuple[Encoding, Floats]:
        for _ in range(_TRIES):
            tokens = tuple(draw(row, rng) for row in table)
            if self._draw.allows(tokens):
                break
        else:
            tokens = self._draw.within(tokens, rng)
        return tokens, np.log([row[token] for row, token in zip(table, tokens, strict=True)])

    def improve(self, sampled: Sampled, score: float) -> None:
        """One step of Adam on the reward less its baseline; the first reward only sets the baseline."""
        rate, self._done = self._rate(), self._done + 1
        if self._baseline is None:
            self._baseline = score
            return
        advantage = score - self._baseline
        self._baseline = self._config.baseline * self._baseline + (1 - self._config.baseline) * score
        unbiased = 1 - _SQUARES ** (self._done - 1)
        for place, (logits, squares) in enumerate(zip(self._logits, self._squares, strict=True)):
            push = -softmax(logits)
            push[sampled.tokens[place]] += 1
            push *= advantage if sampled.active[place] else 0.0
            squares += (1 - _SQUARES) * (push**2 - squares)
            logits += rate * push / (np.sqrt(squares / unbiased) + _EPSILON)

    def mode(self) -> Encoding:
        """The likeliest option of each choice; where that net is above the limit, the likeliest of many samples."""
        point = self.space.normal(tuple(int(np.argmax(logits)) for logits in self._logits))
        if self._draw.allows(point):
            return point
        rng = generator(self.seed, self.name, "mode")
        tokens, _ = max(self.sample(_MODE_DRAWS, rng), key=lambda sample: float(sample[1].sum()))
        return self.space.normal(tokens)

    def _rate(self) -> float:
        shape = self._config.growth ** (self._done / self._steps)
        if self._config.rate is not None:
            return float(self._config.rate * shape)
        total = sum(self._config.growth ** (step / self._steps) for step in range(self._steps))
        return float(self._config.travel * shape / total)
