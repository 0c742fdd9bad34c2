"""Norms that see the pictures of all processes, where the device has them."""

from __future__ import annotations

from torch import nn


def sync_norms_(net: nn.Module) -> int:
    """Let each batch norm take its statistics over all processes; weights and statistics stay the same tensors.

    Returns:
        How many norms.
    """
    return _replace_(net, nn.BatchNorm2d, nn.SyncBatchNorm)


def plain_norms_(net: nn.Module) -> int:
    """Undo `sync_norms_`.

    Returns:
        How many norms.
    """
    return _replace_(net, nn.SyncBatchNorm, nn.BatchNorm2d)


def _replace_(net: nn.Module, old: type[nn.Module], new: type[nn.BatchNorm2d] | type[nn.SyncBatchNorm]) -> int:
    count = 0
    for module in list(net.modules()):
        for name, child in list(module.named_children()):
            if type(child) is not old:
                continue
            assert isinstance(child, nn.modules.batchnorm._BatchNorm), "norms are replaced by norms"
            norm = new(child.num_features, eps=child.eps, momentum=child.momentum, affine=child.affine)
            norm._parameters, norm._buffers = child._parameters, child._buffers
            setattr(module, name, norm.train(child.training))
            count += 1
    return count
