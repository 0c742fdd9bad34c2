"""One net of a family at work with the largest net's weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.nn.build import Net, build
from edgesmith.search.supernet.family import Family

_MOST_SHELLS: Final = 64


class Shells:
    """Built nets without weights of their own, kept by their points: what a training step pours views into.

    Their norms use the batch and keep nothing; their dropouts are off, because only the largest net is regularised.
    """

    def __init__(self, family: Family) -> None:
        self._family = family
        self._kept: OrderedDict[Encoding, Net] = OrderedDict()

    def run(self, state: Mapping[str, Tensor], point: Encoding, images: Tensor) -> Tensor:
        """Answers of a net whose weights are views of the largest net's, with the norms of this batch.

        Shape: ``(N, 3, H, W) -> (N, num_classes)``.

        Args:
            state: Of the largest net; gets the gradients.
            point: The net.
            images: At the largest net's resolution, or smaller in the same proportion for all.
        """
        shell = self._shell(point)
        views = self._family.views(state, point)
        weights = {name: views[name] for name, _ in shell.named_parameters()}
        side, full = shell.spec.resolution, self._family.spec.resolution
        size = (images.shape[2] * side[0] // full[0], images.shape[3] * side[1] // full[1])
        answers: Tensor = functional_call(shell, weights, (resize(images, size),))
        return answers

    def _shell(self, point: Encoding) -> Net:
        if point not in self._kept:
            with torch.device("meta"):
                shell = Net(self._family.space.decode(point))
            for module in shell.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.track_running_stats = False
                elif isinstance(module, nn.Dropout):
                    module.eval()
            self._kept[point] = shell
            if len(self._kept) > _MOST_SHELLS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(point)
        return self._kept[point]


class ActiveNet(nn.Module):
    """A net that runs on views of the largest net's weights, with norm statistics of its own.

    Shape: ``(N, 3, H, W) -> (N, num_classes)``. Pictures of the largest net's resolution are brought to its own.

    Args:
        family: The net's.
        state: Of the largest net.
        point: The net.
        pictures: Batches ``(N, 3, H, W)`` of train that its norms' statistics are estimated from.
    """

    def __init__(
        self, family: Family, state: Mapping[str, Tensor], point: Encoding, pictures: Iterable[Tensor]
    ) -> None:
        super().__init__()
        self.spec: NetSpec = family.space.decode(point)
        self._full = family.spec.resolution
        views = family.views({key: tensor.detach() for key, tensor in state.items()}, point)
        self.net = build(self.spec).to(next(iter(state.values())).device)
        self._weights = {name: views[name] for name, _ in self.net.named_parameters()}
        self.net.requires_grad_(False)
        settle_norms_(self, pictures)

    def forward(self, images: Tensor) -> Tensor:
        """Answers for a batch."""
        is_full = tuple(images.shape[2:]) == self._full
        images = resize(images, self.spec.resolution) if is_full else images
        answers: Tensor = functional_call(self.net, self._weights, (images,))
        return answers

    def state(self) -> dict[str, Tensor]:
        """A copy of its weights and its own statistics: all that the net built from ``spec`` holds."""
        held = self.net.state_dict()
        return {key: self._weights.get(key, tensor).detach().cpu().clone() for key, tensor in held.items()}


@torch.no_grad()
def settle_norms_(net: nn.Module, pictures: Iterable[Tensor]) -> None:
    """Forget the norms' running statistics and take the plain mean of those of some batches; the rest stays frozen.

    Nothing of what was there before counts, so that a score cannot depend on what was scored before it.

    Args:
        net: Changes in place; ends in evaluation mode.
        pictures: Batches ``(N, 3, H, W)`` of train, the same for every net, at least one.

    Raises:
        UsageError: There is no batch.
    """
    norms = [module for module in net.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    device = next(net.parameters()).device
    net.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for the cumulative mean
        norm.train()
    count = 0
    for batch in pictures:
        net(batch.to(device).contiguous(memory_format=torch.channels_last))
        count += 1
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    net.eval()
    if not count:
        raise UsageError("a subnet's norms need at least one batch of training pictures; there is none")


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures at another resolution; the same object where they have it.

    Shape: ``(N, 3, H, W) -> (N, 3, *size)``.
    """
    if tuple(images.shape[2:]) == tuple(size):
        return images
    made = F.interpolate(images, size=size, mode="bilinear", antialias=True)
    return made.contiguous(memory_format=torch.channels_last)
