"""Averaged weights: an exponential moving average of everything that a net's state holds."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class WeightAverage:
    """A second net whose weights trail those of the first.

    The decay warms up, ``min(decay, (1 + n) / (10 + n))`` after ``n`` updates, so that the average is of use from the
    start. Running means and variances are averaged like weights; integer counters are copied.

    Paper: MobileNetV3, section 6.1 (decay 0.9999; the warm-up is TensorFlow's ``num_updates`` rule).

    Args:
        net: The net to follow; it is copied.
        decay: Highest decay, 0..1.
    """

    def __init__(self, net: nn.Module, *, decay: float) -> None:
        self.decay = decay
        self.num_updates = 0
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self._pairs = _pair(self.net.state_dict(keep_vars=True), net.state_dict(keep_vars=True))

    @torch.no_grad()
    def update(self) -> None:
        """Take in the net's present weights."""
        self.num_updates += 1
        weight = 1 - min(self.decay, (1 + self.num_updates) / (10 + self.num_updates))
        averages, sources, counters, counts = self._pairs
        torch._foreach_lerp_(averages, sources, weight)
        if counters:
            torch._foreach_copy_(counters, counts)


def _pair(mine: dict[str, Tensor], theirs: dict[str, Tensor]) -> tuple[list[Tensor], ...]:
    """Averages, what they average, counters, what they copy; both nets keep these very tensors."""
    averaged = [name for name, tensor in mine.items() if tensor.is_floating_point()]
    copied = [name for name in mine if name not in set(averaged)]
    return (
        [mine[n].detach() for n in averaged],
        [theirs[n].detach() for n in averaged],
        [mine[n] for n in copied],
        [theirs[n] for n in copied],
    )
