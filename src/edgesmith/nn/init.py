"""How weights start, by the preset's rule."""

from __future__ import annotations

import math

import torch
from torch import nn

from edgesmith.arch.presets import Init


def initialise_(net: nn.Module, rule: Init, *, seed: int) -> None:
    """Fill every weight of ``net`` in place; norms become the identity, biases zero.

    Args:
        net: The network.
        rule: Which code base's distribution.
        seed: The same seed gives the same bits.
    """
    random = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            _fill_conv_(module, rule, random)
        elif isinstance(module, nn.Linear):
            _fill_linear_(module, rule, random)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()


def _fill_conv_(module: nn.Conv2d, rule: Init, random: torch.Generator) -> None:
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    if rule is Init.TRUNCATED_NORMAL:
        nn.init.trunc_normal_(module.weight, std=0.09, a=-0.18, b=0.18, generator=random)
        return
    fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
    if rule is Init.KAIMING_FAN_OUT_GROUPED:
        fan_out //= module.groups
    nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out), generator=random)


def _fill_linear_(module: nn.Linear, rule: Init, random: torch.Generator) -> None:
    nn.init.zeros_(module.bias)
    if rule is Init.TRUNCATED_NORMAL:
        nn.init.trunc_normal_(module.weight, std=0.09, a=-0.18, b=0.18, generator=random)
    elif rule is Init.KAIMING_FAN_OUT:
        nn.init.normal_(module.weight, std=0.01, generator=random)
    else:
        bound = 1 / math.sqrt(module.out_features)
        nn.init.uniform_(module.weight, -bound, bound, generator=random)
