"""Layers said in the words that a converter handles well; each answers as the layer that it stands for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgesmith.nn.channel_layers import ChannelPick, ChannelShuffle
from edgesmith.nn.layers import SqueezeExcite


class TensorHardSigmoid(nn.Module):
    """``relu6(x + 3) / 6`` of tensors alone.

    ExecuTorch takes hard sigmoid apart, and each of its numbers becomes an operator that runs outside the delegate.

    Shape: any -> the same.
    """

    three: Tensor
    sixth: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("three", torch.full((1, 1, 1, 1), 3.0))
        self.register_buffer("sixth", torch.full((1, 1, 1, 1), 1 / 6))

    def forward(self, x: Tensor) -> Tensor:
        """Shift, clip, scale."""
        return F.relu6(x + self.three) * self.sixth


class ScaleShift(nn.Module):
    """A norm's inference as one product and one sum, where no convolution before it could take it in.

    Shape: ``(N, C, H, W) -> (N, C, H, W)``.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        self.register_buffer("scale", scale.detach().view(1, -1, 1, 1))
        self.register_buffer("shift", (norm.bias - norm.running_mean * scale).detach().view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Scale, then shift."""
        return x * self.scale + self.shift


class ColoursLastShuffle(nn.Module):
    """A channel shuffle that transposes the last two of five axes, once, in files that keep the channels last.

    Shape: ``(N, C, H, W) -> (N, C, H, W)``.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """See `edgesmith.nn.channel_layers.ChannelShuffle`."""
        n, c, h, w = x.shape
        table = x.permute(0, 2, 3, 1).reshape(n, h, w, self.groups, c // self.groups)
        return table.transpose(3, 4).reshape(n, h, w, c).permute(0, 3, 1, 2)


class ColoursLastPick(nn.Module):
    """A pick along the last axis, in files that keep the channels last.

    Shape: ``(N, C, H, W) -> (N, C', H, W)``.
    """

    index: Tensor

    def __init__(self, index: Tensor) -> None:
        super().__init__()
        self.register_buffer("index", index)

    def forward(self, x: Tensor) -> Tensor:
        """See `edgesmith.nn.channel_layers.ChannelPick`."""
        if x.dim() == 2:
            return x.index_select(1, self.index)
        return x.permute(0, 2, 3, 1).index_select(3, self.index).permute(0, 3, 1, 2)


def gates_of_tensors_(module: nn.Module) -> None:
    """Put `TensorHardSigmoid` into every squeeze-and-excite gate that has a hard sigmoid."""
    for part in module.modules():
        if isinstance(part, SqueezeExcite) and part.gate is F.hardsigmoid:
            part.gate = TensorHardSigmoid()


def colours_last_(module: nn.Module) -> None:
    """Put `ColoursLastShuffle` and `ColoursLastPick` into the places of their layers."""
    _replace_(module, lambda part: ColoursLastShuffle(part.groups) if isinstance(part, ChannelShuffle) else None)
    _replace_(module, lambda part: ColoursLastPick(part.index) if isinstance(part, ChannelPick) else None)


def scale_and_shift_(module: nn.Module) -> None:
    """Put `ScaleShift` into the places of all norms that are left."""
    _replace_(module, lambda part: ScaleShift(part) if isinstance(part, nn.BatchNorm2d) else None)


def _replace_(module: nn.Module, make: Callable[[nn.Module], nn.Module | None]) -> None:
    for parent in list(module.modules()):
        for name, part in list(parent.named_children()):
            made = make(part)
            if made is not None:
                setattr(parent, name, made.eval())
