"""One step's two passes, shared by several threads that each take a part of the batch with a copy of the net.

Small nets gain little from threads inside an operation: every convolution ends in a barrier, and on a busy machine
each barrier waits for the slowest core. Here threads meet once a step, and once more between the two passes where a
part's share of the loss depends on what the others count. The copies share their weights; each keeps its own gradients
and normalises over its own part of the batch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

from edgesmith.core.seed import derive
from edgesmith.tasks.base import LossSum

Objective = Callable[[nn.Module, Tensor, Any], Sequence[LossSum]]
"""Of a net on ``(images, targets)``: the terms of its loss, whose means are added."""


def counts_of(terms: Sequence[LossSum]) -> Tensor:
    """``(terms,)``: what each term of one part of a batch is a sum of."""
    return torch.stack([term.count.detach() for term in terms])


def share_of(terms: Sequence[LossSum], counts: Tensor) -> Tensor:
    """One part's share of the loss of the whole batch; the parts' shares add up to it.

    Args:
        terms: Of the part.
        counts: `counts_of` the whole batch: the sum over its parts.
    """
    return torch.stack([term.over(count) for term, count in zip(terms, counts, strict=True)]).sum()


class SeededDropout(nn.Dropout):
    """Dropout that draws from a generator of its own, so that threads cannot take each other's numbers.

    Shape: any, kept.
    """

    def __init__(self, p: float) -> None:
        super().__init__(p)
        self.generator = torch.Generator()

    def forward(self, x: Tensor) -> Tensor:
        """Drop in training, pass on in evaluation."""
        if not self.training or self.p == 0:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        return x * kept / (1 - self.p)


class Replicas:
    """Copies of a net on the CPU that compute one batch's gradient together; the result depends on their number only.

    Args:
        net: Gets the gradients and the averaged running statistics; its dropouts are replaced by seeded ones.
        count: Threads, and copies, the net itself included.
        objective: Gives the loss.
    """

    def __init__(self, net: nn.Module, *, count: int, objective: Objective) -> None:
        _seed_dropouts_(net)
        self._nets = [net, *(_share(net) for _ in range(count - 1))]
        self._objective = objective
        # One thread an operation: with more, the bits would depend on how many cores the machine has.
        self._pool = ThreadPoolExecutor(count, initializer=lambda: torch.set_num_threads(1))
        self._parameters = [[p for p in each.parameters() if p.requires_grad] for each in self._nets]
        self._buffers = [[b for b in each.buffers() if b.is_floating_point()] for each in self._nets]
        self._spread = [[b for b in each.buffers() if b.dtype != torch.bool] for each in self._nets]

    def run(self, images: Tensor, targets: Any, *, seed: int, step: int) -> Tensor:
        """Forward and backward of one batch; gradients add up on the net, as if the mean loss had been taken at once.

        Args:
            images: ``(N, 3, H, W)`` on the CPU; every part has two pictures or more, so small batches use fewer copies.
            targets: A tensor of ``N`` entries.
            seed: Of the run.
            step: Number of the step.

        Returns:
            The mean loss over the ``N`` pictures.
        """
        count = min(len(self._nets), max(1, len(images) // 2))
        parts = list(zip(images.tensor_split(count), targets.tensor_split(count), strict=True))
        self._spread_buffers()
        for index in range(count):
            _reseed_(self._nets[index], derive(seed, "step", step, index))
        found = list(self._pool.map(lambda index: self._pass(index, *parts[index], len(images)), range(count)))
        losses = [each for each in found if isinstance(each, Tensor)]
        if waiting := [each for each in found if not isinstance(each, Tensor)]:
            counts = torch.stack([counts_of(terms) for terms in waiting]).sum(dim=0)
            losses = list(self._pool.map(lambda terms: _backward(share_of(terms, counts)), waiting))
        self._gather(count)
        return torch.stack(losses).sum()

    def _pass(self, index: int, images: Tensor, targets: Any, whole: int) -> Tensor | Sequence[LossSum]:
        """The part's share of the loss after both passes, or its terms after the first if they wait for the others."""
        net = self._nets[index].train()
        net.zero_grad(set_to_none=True)
        terms = self._objective(net, images.contiguous(memory_format=torch.channels_last), targets)
        if not all(term.of_pictures for term in terms):
            return terms
        return _backward(share_of(terms, torch.full((len(terms),), float(whole))))

    @torch.no_grad()
    def _gather(self, count: int) -> None:
        """Sum gradients into the first copy, and average the running statistics there."""
        sums = [_gradient(parameter) for parameter in self._parameters[0]]
        for parameters in self._parameters[1:count]:
            torch._foreach_add_(sums, [_gradient(parameter) for parameter in parameters])
        if count == 1 or not self._buffers[0]:
            return
        for buffers in self._buffers[1:count]:
            torch._foreach_add_(self._buffers[0], buffers)
        torch._foreach_mul_(self._buffers[0], 1 / count)

    @torch.no_grad()
    def _spread_buffers(self) -> None:
        """Counters too: after a resume the copies have only their own."""
        if self._spread[0]:
            for buffers in self._spread[1:]:
                torch._foreach_copy_(buffers, self._spread[0])


def _backward(loss: Tensor) -> Tensor:
    loss.backward()  # type: ignore[no-untyped-call]  # as torch has it
    return loss.detach()


def _share(net: nn.Module) -> nn.Module:
    """A copy whose parameters and masks are views of the net's own memory."""
    twin = copy.deepcopy(net)
    for mine, theirs in zip(twin.parameters(), net.parameters(), strict=True):
        mine.data = theirs.data
    for mask, its in zip(twin.buffers(), net.buffers(), strict=True):
        if mask.dtype == torch.bool:
            mask.data = its.data
    return twin


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None, "every parameter of a net takes part in its loss"
    return parameter.grad


def _seed_dropouts_(net: nn.Module) -> None:
    for module in list(net.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, SeededDropout(child.p))


def _reseed_(net: nn.Module, seed: int) -> None:
    for number, module in enumerate(m for m in net.modules() if isinstance(m, SeededDropout)):
        module.generator.manual_seed(seed + number)
