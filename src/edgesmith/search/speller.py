"""The controller's network: it spells a point of a space, a choice a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

State: TypeAlias = tuple[Tensor, Tensor]

_SMALL = 0.1


class Speller(nn.Module):
    """Reads the option before, remembers all, and scores the options of the next choice."""

    def __init__(self, sizes: Sequence[int], *, units: int, rate: float, seed: int) -> None:
        """Build it.

        Args:
            sizes: Options of each choice.
            units: Width of memory and embeddings.
            rate: Adam's learning rate.
            seed: Of the initial weights, which are even between -0.1 and 0.1.
        """
        super().__init__()
        self.units = units
        self.begin_token = nn.Parameter(torch.empty(1, units))
        self.read = nn.ModuleList(nn.Embedding(size, units) for size in sizes)
        self.memory = nn.LSTMCell(units, units)
        self.score = nn.ModuleList(nn.Linear(units, size) for size in sizes)
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-_SMALL, _SMALL, generator=random)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=rate)

    def begin(self, count: int) -> State:
        """Memory of ``count`` points that nothing was spelled of yet."""
        return torch.zeros(count, self.units), torch.zeros(count, self.units)

    def step(self, place: int, before: Tensor, state: State) -> tuple[Tensor, State]:
        """Scores of one choice's options.

        Args:
            place: Which choice.
            before: ``(points,)`` what was chosen before it; not read at the first.
            state: The memory.

        Returns:
            ``(points, options)`` logits, and the memory after.
        """
        count = state[0].shape[0]
        heard = self.read[place - 1](before) if place else self.begin_token.expand(count, -1)
        state = self.memory(heard, state)
        logits: Tensor = self.score[place](state[0])
        return logits, state

    def judge(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """How likely spelled points are, and how open the choices were.

        Args:
            tokens: ``(points, choices)``.

        Returns:
            Logarithms of the probabilities and entropies, both ``(points, choices)``.
        """
        state, logs, entropies = self.begin(len(tokens)), [], []
        for place in range(tokens.shape[1]):
            logits, state = self.step(place, tokens[:, max(0, place - 1)], state)
            all_logs = logits.log_softmax(dim=1)
            logs.append(all_logs.gather(1, tokens[:, place : place + 1])[:, 0])
            entropies.append(-(all_logs.exp() * all_logs).sum(dim=1))
        return torch.stack(logs, dim=1), torch.stack(entropies, dim=1)
