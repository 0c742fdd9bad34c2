"""Norms that were folded into the convolutions before them, brought back for training."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from edgesmith.nn.build import Net


def folded_norms(net: Net) -> list[nn.BatchNorm2d]:
    """Norms that do nothing but add: what an importer makes of a file whose norms are folded away."""
    return [module for module in net.modules() if isinstance(module, nn.BatchNorm2d) and _is_folded(module)]


@torch.no_grad()
def unfold_norms_(net: Net, images: Iterable[Tensor]) -> int:
    """Give folded norms the statistics of pictures, and scales and shifts that keep the net's answers.

    In training a norm divides by the batch's own deviation. A folded one has never met it, so that the first step would
    throw away what the weights know.

    Args:
        net: Changes in place, but not in what it answers in evaluation mode.
        images: Batches ``(N, 3, H, W)``, scaled as the net wants them; a few hundred pictures in all.

    Returns:
        How many norms were folded.
    """
    norms = folded_norms(net)
    if not norms:
        return 0
    sums = {norm: torch.zeros(2, norm.num_features, dtype=torch.float64) for norm in norms}
    counts = dict.fromkeys(norms, 0)

    def look(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d), "only norms are hooked"
        x = inputs[0].transpose(0, 1).flatten(1).double()
        sums[norm] += torch.stack([x.sum(1), x.square().sum(1)])
        counts[norm] += x.shape[1]

    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    was_training = net.training
    net.eval()
    try:
        for batch in images:
            net(batch.contiguous(memory_format=torch.channels_last))
    finally:
        net.train(was_training)
        for hook in hooks:
            hook.remove()
    for norm in norms:
        mean, square = sums[norm] / counts[norm]
        _restate_(norm, mean, (square - mean.square()).clamp(min=0))
    return len(norms)


def _is_folded(norm: nn.BatchNorm2d) -> bool:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    ones = torch.full_like(variance, 1 - norm.eps)
    return not mean.any() and torch.allclose(variance, ones, rtol=0, atol=1e-7) and bool((norm.weight == 1).all())


def _restate_(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """The same function of ``x``, ``x + bias``, around other statistics."""
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(norm.bias.double() + mean)
    norm.get_buffer("running_mean").copy_(mean)
    norm.get_buffer("running_var").copy_(variance)
