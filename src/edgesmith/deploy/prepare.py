"""An export-ready copy of a module: one form for all converters."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from edgesmith.data.preprocessing import Preprocessing
from edgesmith.nn.build import Net
from edgesmith.nn.fold import fold_norms


class PixelInput(nn.Module):
    """Scales pictures in front of a network, with the arithmetic of `Preprocessing.normalize`.

    Shape: ``(N, H, W, 3)`` uint8 -> whatever the network gives for ``(N, 3, H, W)``.
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, net: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.net = net
        factor, offset = preprocessing.affine()
        self.register_buffer("factor", torch.from_numpy(factor).view(1, 3, 1, 1))
        self.register_buffer("offset", torch.from_numpy(offset).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Scale, move the colours first, and run the network."""
        pixels = images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        answers: Tensor = self.net(pixels * self.factor + self.offset)
        return answers


class ColoursLastInput(nn.Module):
    """Takes pictures with the colours last, for formats whose kernels work so.

    Shape: ``(N, H, W, 3)`` -> whatever the network gives for ``(N, 3, H, W)``.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        """Move the colours first, and run the network."""
        answers: Tensor = self.net(images.permute(0, 3, 1, 2))
        return answers


def prepare(module: nn.Module, *, preprocessing: Preprocessing | None) -> nn.Module:
    """A float32 copy on the CPU with its norms folded, and with the scaling in front if asked for.

    Its layers do not work in place: torch decomposes each such activation over symbolic sizes, which doubles the
    time of an export. Its weights lie in the plain order: converters turn any other into copies that the file makes
    at every run.
    """
    net = fold_norms(module) if isinstance(module, Net) else copy.deepcopy(module)
    net = net.to(device="cpu", dtype=torch.float32)
    for tensor in (*net.parameters(), *net.buffers()):
        tensor.data = torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.data)
    out_of_place_(net)
    return (net if preprocessing is None else PixelInput(net, preprocessing)).eval()


def out_of_place_(module: nn.Module) -> None:
    """Let every layer that works in place make a new tensor instead."""
    for part in module.modules():
        for name in ("inplace", "overwrites"):
            if hasattr(part, name):
                setattr(part, name, False)
