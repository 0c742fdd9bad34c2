"""Networks with random weights whose norms have statistics, so that activations neither vanish nor explode."""

from __future__ import annotations

import torch

from edgesmith.nn.build import Net

_BATCHES = 4
_PICTURES = 16


def calibrate_(net: Net, *, seed: int) -> Net:
    """Give norms random scales and the statistics of noise; returns the net in evaluation mode."""
    random = torch.Generator().manual_seed(seed)
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5, generator=random)
    net.train()
    with torch.no_grad():
        for _ in range(_BATCHES):
            net(torch.randn(_PICTURES, 3, *net.spec.resolution, generator=random))
    return net.eval()
