"""How weights start, by the preset's rule."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgesmith.arch.presets import Init
from edgesmith.nn.learned_groups import MaskedMatrix


def initialise_(net: nn.Module, rule: Init, *, seed: int, head_rule: Init | None = None) -> None:
    """Fill every weight of ``net`` in place; norms become the identity, biases zero.

    Args:
        net: The network.
        rule: Which code base's distribution.
        seed: The same seed gives the same bits.
        head_rule: Of the head; None for the same.
    """
    random = torch.Generator().manual_seed(seed)
    head = {module for name, module in net.named_modules() if name.startswith("head.")}
    backbone_rule = rule
    for module in net.modules():
        rule = head_rule if head_rule is not None and module in head else backbone_rule
        if isinstance(module, nn.Conv2d):
            _fill_conv_(module, rule, random, is_answer=module in head)
        elif isinstance(module, nn.Linear):
            _fill_linear_(module.weight, module.bias, rule, random)
        elif isinstance(module, MaskedMatrix):
            _fill_masked_(module, rule, random)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()


def _fill_conv_(module: nn.Conv2d, rule: Init, random: torch.Generator, *, is_answer: bool) -> None:
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    if rule is Init.TRUNCATED_NORMAL:
        nn.init.trunc_normal_(module.weight, std=0.09, a=-0.18, b=0.18, generator=random)
        return
    if rule is Init.NORMAL:
        nn.init.normal_(module.weight, std=0.03, generator=random)
        return
    if rule is Init.KAIMING_UNIFORM and is_answer:
        nn.init.normal_(module.weight, std=0.01, generator=random)
        return
    if rule is Init.KAIMING_UNIFORM:
        nn.init.kaiming_uniform_(module.weight, generator=random)
        return
    fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
    if rule is Init.KAIMING_FAN_OUT_GROUPED:
        fan_out //= module.groups
    nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out), generator=random)


def _fill_linear_(weight: Tensor, bias: Tensor | None, rule: Init, random: torch.Generator) -> None:
    if bias is not None:
        nn.init.zeros_(bias)
    if rule is Init.TRUNCATED_NORMAL:
        nn.init.trunc_normal_(weight, std=0.09, a=-0.18, b=0.18, generator=random)
    elif rule in (Init.KAIMING_FAN_OUT, Init.KAIMING_UNIFORM):
        nn.init.normal_(weight, std=0.01, generator=random)
    else:
        bound = 1 / math.sqrt(weight.shape[0])
        nn.init.uniform_(weight, -bound, bound, generator=random)


def _fill_masked_(module: MaskedMatrix, rule: Init, random: torch.Generator) -> None:
    """A 1x1 convolution like any other, or the classifier, which has a bias."""
    module.mask.fill_(True)
    if module.bias is not None:
        _fill_linear_(module.weight, module.bias, rule, random)
    elif rule is Init.TRUNCATED_NORMAL:
        nn.init.trunc_normal_(module.weight, std=0.09, a=-0.18, b=0.18, generator=random)
    else:
        nn.init.normal_(module.weight, std=math.sqrt(2 / module.weight.shape[0]), generator=random)
