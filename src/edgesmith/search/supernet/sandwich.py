"""The sandwich rule: each step trains the largest net, the smallest and some drawn ones, on the same pictures.

The largest learns from the labels, the others from its answers (in-place distillation); their losses are averaged and
go back in one pass. The largest net takes part in every step, so every weight has a gradient in every step: several
processes need no search for unused ones. Memory holds the activations of all nets of a step.

A step of four nets took 1.7 to 1.9 times the CPU time of the largest net's alone (one thread, batches of 64;
MobileNetV3-Small's space at 64 pixels, a space of small nets at 32): the drawn nets are smaller. Preparing a net that
was not drawn before is part of it. `benchmarks/supernet_rank.py` measures it.

Paper: Yu et al. 2020 (BigNAS, sections 3.1 and 3.2), after Yu and Huang 2019; the mean in place of the sum of the
losses is edgesmith's, so that clipping and the watch for a loss at chance keep their meaning.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgesmith.arch.space.choices import Encoding
from edgesmith.core.errors import UsageError
from edgesmith.core.seed import generator
from edgesmith.nn.build import Net
from edgesmith.search.supernet.active import Shells
from edgesmith.search.supernet.chosen import Chosen
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.tasks.base import LossSum, Metric, Task

RANDOM_NETS: Final = 2


class SandwichNet(nn.Module):
    """The largest net; in training it answers for the step's other nets too.

    Shape: ``(N, 3, H, W) -> (N, num_classes)`` in evaluation, of the largest net; in training a tuple of such, one a
    net, the largest first. The nets of a step are a function of seed and step alone: the same in all processes and
    after a resume.

    Args:
        family: Whose nets.
        net: The largest; holds all weights.
        draw: Draws the random ones, within the caller's limit.
        random_nets: How many a step.
        seed: Of the draws.
    """

    def __init__(self, family: Family, net: Net, draw: Draw, *, random_nets: int = RANDOM_NETS, seed: int = 0) -> None:
        super().__init__()
        self.net = net
        self._family, self._draw, self._random_nets, self._seed = family, draw, random_nets, seed
        self._shells = Shells(family)
        self._chosen = Chosen()
        self.at_(0.0)

    def __deepcopy__(self, memo: dict[int, Any]) -> SandwichNet:
        """A copy with weights of its own, the same draws and new shells, since threads cannot share those."""
        twin = SandwichNet(
            self._family,
            copy.deepcopy(self.net, memo),
            self._draw,
            random_nets=self._random_nets,
            seed=self._seed,
        )
        twin._chosen = self._chosen
        return twin.train(self.training)

    @property
    def points(self) -> tuple[Encoding, ...]:
        """The nets of the present step beside the largest: the smallest, then the random ones."""
        return self._chosen.points

    def at_(self, share: float) -> None:
        """Draw the nets of the step at a share of the run, 0..1."""
        rng = generator(self._seed, "sandwich", repr(share))
        drawn = (self._draw.point(rng) for _ in range(self._random_nets))
        self._chosen.points = (self._family.smallest, *drawn)

    def forward(self, images: Tensor) -> Any:
        """Answers of the largest net, in training of all nets of the step."""
        answers = self.net(images)
        if not self.training:
            return answers
        state = dict(self.net.named_parameters()) | dict(self.net.named_buffers())
        return (answers, *(self._shells.run(state, point, images) for point in self.points))


class SandwichTask:
    """A task whose loss is that of the largest net, and for the others the distance from its answers.

    Args:
        task: Of the largest net; one row of logits a picture.
        labels: Share of the labels in what the other nets learn from, 0..1; published: 0, its answers alone.
    """

    def __init__(self, task: Task, *, labels: float = 0.0) -> None:
        if not 0 <= labels <= 1:
            raise UsageError(f"the share of labels is from 0 to 1, got {labels:g}")
        self._task, self._labels = task, labels
        self.name, self.score_name, self.chance_loss = task.name, task.score_name, task.chance_loss

    def loss(self, outputs: Any, targets: Any) -> Tensor:
        """The mean over the step's nets; soft cross entropy for all but the first.

        Raises:
            UsageError: The task answers with something else than a row of logits a picture.
        """
        if not isinstance(outputs, tuple | list):
            return self._task.loss(outputs, targets)
        largest, *others = outputs
        if not isinstance(largest, Tensor) or largest.ndim != 2:
            raise UsageError(f"a supernet learns tasks with one row of logits a picture; {self.name} gives another")
        teacher = largest.detach().float().softmax(dim=1)
        losses = [self._task.loss(largest, targets), *(self._pupil_loss(other, teacher, targets) for other in others)]
        return torch.stack(losses).mean()

    def loss_sum(self, outputs: Any, targets: Any) -> LossSum:
        """Over the pictures: a row of logits each."""
        loss = self.loss(outputs, targets)
        count = loss.new_tensor(len(targets))
        return LossSum(loss * count, count, of_pictures=True)

    def _pupil_loss(self, answers: Tensor, teacher: Tensor, targets: Any) -> Tensor:
        loss = F.cross_entropy(answers, teacher)
        if not self._labels:
            return loss
        return torch.lerp(loss, self._task.loss(answers, targets), self._labels)

    def is_void(self, targets: Any) -> bool:
        """As the task's."""
        return self._task.is_void(targets)

    def distill_loss(self, outputs: Any, wanted: Any, *, temperature: float) -> Tensor:
        """The task's own, the mean over the step's nets: a teacher from outside teaches them all."""
        nets = outputs if isinstance(outputs, tuple | list) else (outputs,)
        return torch.stack([self._task.distill_loss(each, wanted, temperature=temperature) for each in nets]).mean()

    def metric(self, *, seed: int = 0) -> Metric:
        """The task's own."""
        return self._task.metric(seed=seed)

    def decode(self, outputs: Any) -> Sequence[Any]:
        """The task's own."""
        return self._task.decode(outputs)

    def keep(self, outputs: Any) -> Any:
        """The task's own."""
        return self._task.keep(outputs)
