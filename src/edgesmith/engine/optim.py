"""The optimiser from its config, and the two settings that a run changes on existing objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import nn

from edgesmith.core.table import lookup
from edgesmith.engine.config import OptimConfig

_BACKBONE: Final = "backbone"
_HEAD: Final = "head"


def build_optimizer(net: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """An optimiser over the net's parameters; norms and biases (one axis or none) are not decayed.

    Head and backbone are groups of their own, so that they may have rates of their own.
    """
    groups = []
    for part in (_BACKBONE, _HEAD):
        parameters = [p for name, p in net.named_parameters() if p.requires_grad and (_part(name) == part)]
        groups += [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay, "part": part},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0, "part": part},
        ]
    return lookup(_BUILDERS, config.name, what="optim.name")([g for g in groups if g["params"]], config)


def _part(name: str) -> str:
    """The part that a parameter belongs to, in a net or in what is put around one."""
    return _HEAD if _HEAD in name.split(".")[:2] else _BACKBONE


def _adamw(groups: list[dict[str, Any]], config: OptimConfig) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=config.betas, eps=config.epsilon, fused=_can_fuse(groups)
    )


def _rmsprop(groups: list[dict[str, Any]], config: OptimConfig) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(
        groups,
        lr=config.learning_rate,
        alpha=config.square_decay,
        eps=config.epsilon,
        momentum=config.momentum,
        foreach=True,
    )


def _sgd(groups: list[dict[str, Any]], config: OptimConfig) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum, foreach=True)


def _can_fuse(groups: list[dict[str, Any]]) -> bool:
    return all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for g in groups for p in g["params"])


_BUILDERS: Final[Mapping[str, Callable[[list[dict[str, Any]], OptimConfig], torch.optim.Optimizer]]] = MappingProxyType(
    {"adamw": _adamw, "rmsprop": _rmsprop, "sgd": _sgd}
)


def set_rate_(optimizer: torch.optim.Optimizer, rate: float, *, backbone: float = 1.0) -> None:
    """Give every parameter group the rate of the coming step.

    Args:
        optimizer: From `build_optimizer`.
        rate: Of the head.
        backbone: Share of it that the backbone has; 0 leaves its weights as they are.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate * backbone if group["part"] == _BACKBONE else rate


def set_norm_momentum_(net: nn.Module, momentum: float) -> None:
    """Set the share of the newest batch in the running statistics of every norm.

    Args:
        net: Changes in place.
        momentum: 0..1; a small set needs 0.1, because a run has too few steps for the paper's 0.01 to settle.
    """
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = momentum
