"""A plain training loop for a given wall time, as one would write it around torchvision's networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

_WARMUP: Final = 0.03  # of the time


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Attributes:
        make: The optimiser of the network's parameters; its rate is overwritten.
        rate: Highest learning rate.
        decay: Its factor, by the share of the time that is over.
        clip: L2 bound on all gradients together; None for none.
        norm_momentum: Of batch norms; None keeps the network's own, which suits long trainings.
    """

    make: Callable[..., torch.optim.Optimizer]
    rate: float
    decay: Callable[[float], float]
    clip: float | None = None
    norm_momentum: float | None = None


def train_(
    net: nn.Module,
    loader: DataLoader[Any],
    loss_of: Callable[[Any, Any], Tensor],
    recipe: Recipe,
    seconds: float,
) -> int:
    """Train for so long, and a batch at least.

    Args:
        net: Changed in place.
        loader: Pairs of pictures and targets.
        loss_of: The loss of such a pair, a scalar.
        recipe: How.
        seconds: Of wall time, loading included.

    Returns:
        Pictures seen.
    """
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d) and recipe.norm_momentum is not None:
            module.momentum = recipe.norm_momentum
    optimizer = recipe.make(net.parameters(), lr=recipe.rate)
    begun, seen = time.monotonic(), 0
    net.train()
    while True:
        images: Sized
        for images, targets in loader:
            share = min(1.0, (time.monotonic() - begun) / seconds)
            if share >= 1 and seen:
                return seen
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * min(1.0, share / _WARMUP + 1e-3) * recipe.decay(share)
            optimizer.zero_grad()
            loss_of(images, targets).backward()  # type: ignore[no-untyped-call]  # as torch has it
            if recipe.clip is not None:
                nn.utils.clip_grad_norm_(net.parameters(), recipe.clip)
            optimizer.step()
            seen += len(images)
