"""The controller's network: it spells points of a space, a choice a step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeAlias

import torch
from torch import Tensor, nn

State: TypeAlias = tuple[Tensor, Tensor]

_SMALL = 0.1
_NEVER = -1e9


class Speller(nn.Module):
    """Reads the option before, remembers all, and scores the options of the next choice."""

    closed: Tensor
    rows: Tensor

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
        self.read = nn.Embedding(1 + sum(sizes), units)  # the first row is heard before the first choice
        self.memory = nn.LSTM(units, units, batch_first=True)
        self.weight = nn.Parameter(torch.empty(len(sizes), units, max(sizes)))
        self.bias = nn.Parameter(torch.empty(len(sizes), max(sizes)))
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-_SMALL, _SMALL, generator=random)
        self.register_buffer("closed", torch.arange(max(sizes)) >= torch.tensor(sizes)[:, None])
        self.register_buffer("rows", torch.tensor(list(accumulate(sizes[:-1], initial=1))))
        self.optimizer = torch.optim.Adam(self.parameters(), lr=rate)

    def begin(self, count: int) -> State:
        """Memory of ``count`` points that nothing was spelled of yet."""
        return torch.zeros(1, count, self.units), torch.zeros(1, count, self.units)

    def step(self, place: int, before: Tensor, state: State) -> tuple[Tensor, State]:
        """How likely the options of one choice are.

        Args:
            place: Which choice.
            before: ``(points,)`` what was chosen before it; not read at the first.
            state: The memory.

        Returns:
            ``(points, options)`` logarithms of probabilities, and the memory after.
        """
        heard = before + self.rows[place - 1] if place else torch.zeros_like(before)
        hidden, state = self.memory(self.read(heard)[:, None], state)
        logits = hidden[:, 0] @ self.weight[place] + self.bias[place]
        return logits.masked_fill(self.closed[place], _NEVER).log_softmax(dim=1), state

    def judge(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """How likely spelled points are, and how open the choices were.

        Args:
            tokens: ``(points, choices)``.

        Returns:
            Logarithms of the probabilities and entropies, both ``(points, choices)``.
        """
        heard = torch.cat([torch.zeros_like(tokens[:, :1]), (tokens + self.rows)[:, :-1]], dim=1)
        hidden, _ = self.memory(self.read(heard), self.begin(len(tokens)))
        logits = torch.einsum("pcu,cuo->pco", hidden, self.weight) + self.bias
        all_logs = logits.masked_fill(self.closed, _NEVER).log_softmax(dim=2)
        logs = all_logs.gather(2, tokens[:, :, None])[:, :, 0]
        return logs, -(all_logs.exp() * all_logs).sum(dim=2)
