"""CondenseNet's learned group convolution: a full matrix whose groups drop their least important inputs in stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgesmith.arch.operations import LearnedGroups
from edgesmith.arch.presets import Constants
from edgesmith.nn.layers import append_activation_, batch_norm

_CONDENSING: Final = 0.5  # of the run; the rest of it trains what is left


class MaskedMatrix(nn.Module):
    """A 1x1 convolution, or a linear layer over pooled features, times a mask.

    Output ``o`` belongs to group ``o mod groups``. Each of the ``condensation - 1`` stages drops, in every group, the
    share ``1 / condensation`` of the inputs whose weights have the smallest sum of magnitudes; they never return.

    Shape: ``(N, C, H, W) -> (N, C', H, W)``, or ``(N, C) -> (N, C')``.
    Paper: CondenseNet, section 3.1.
    """

    mask: Tensor

    def __init__(self, operation: LearnedGroups) -> None:
        super().__init__()
        inputs, outputs = operation.inputs[0].channels, operation.output.channels
        self.groups, self.condensation = operation.groups, operation.condensation
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = None if operation.norm else nn.Parameter(torch.zeros(outputs))
        self.register_buffer("mask", torch.ones(outputs, inputs, dtype=torch.bool))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply by the weights that are left."""
        weight = self.weight * self.mask
        if x.dim() == 2:
            return F.linear(x, weight, self.bias)
        return F.conv2d(x, weight[:, :, None, None], self.bias)

    @property
    def stage(self) -> int:
        """How often inputs were dropped."""
        inputs = self.weight.shape[1]
        kept = int(self.mask[0].sum())
        return (inputs - kept) * self.condensation // inputs

    @torch.no_grad()
    def condense_(self, stage: int) -> None:
        """Drop inputs until ``stage`` drops were made."""
        for _ in range(self.stage, min(stage, self.condensation - 1)):
            self._drop_()

    def kept_inputs(self) -> Tensor:
        """The inputs that each group reads, ascending: ``(groups, inputs / condensation)`` once all drops are made."""
        rows = self.mask[: self.groups]
        return torch.stack([row.nonzero().flatten() for row in rows])

    def group_lasso(self) -> Tensor:
        """Sum over groups and inputs of the norm of that input's weights in that group."""
        return (self._by_group(self.weight * self.mask).square().sum(0) + 1e-12).sqrt().sum()

    def _by_group(self, matrix: Tensor) -> Tensor:
        """``(outputs / groups, groups, inputs)``."""
        return matrix.view(-1, self.groups, matrix.shape[1])

    def _drop_(self) -> None:
        count = self.weight.shape[1] // self.condensation
        importance = self._by_group((self.weight * self.mask).abs()).sum(0)
        importance[~self.mask[: self.groups]] = torch.inf
        for group, dropped in enumerate(importance.topk(count, largest=False).indices):
            self.mask[group :: self.groups, dropped] = False


class LearnedGroupConv(nn.Sequential):
    """Masked matrix, norm, activation.

    Shape: ``(N, C, H, W) -> (N, C', H, W)``, or ``(N, C) -> (N, C')`` without a norm.
    """

    def __init__(self, operation: LearnedGroups, constants: Constants) -> None:
        super().__init__()
        self.matrix = MaskedMatrix(operation)
        if operation.norm:
            self.norm = batch_norm(operation.output.channels, constants)
        append_activation_(self, operation.activation)


def learned_matrices(net: nn.Module) -> list[MaskedMatrix]:
    """Every matrix of ``net`` whose groups are learned."""
    return [module for module in net.modules() if isinstance(module, MaskedMatrix)]


def condense_(matrices: Sequence[MaskedMatrix], progress: float) -> None:
    """Bring learned matrices to the stage that they have at a share of the run.

    The drops are spread over the first half: drop ``i`` of a matrix is made at ``i / (2 (condensation - 1))``.

    Args:
        matrices: Change in place.
        progress: Share of the run that is done, 0..1.
    """
    for matrix in matrices:
        drops = matrix.condensation - 1
        matrix.condense_(min(drops, int(progress / _CONDENSING * drops + 1e-9)))


def group_lasso(net: nn.Module) -> Tensor:
    """The regulariser that makes a group's weights agree on which inputs matter; 0 once a matrix has made its drops.

    Paper: CondenseNet, section 3.1 (group-lasso regularisation).
    """
    terms = [m.group_lasso() for m in learned_matrices(net) if m.stage < m.condensation - 1]
    return torch.stack(terms).sum() if terms else torch.zeros(())
