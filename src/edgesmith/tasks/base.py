"""The contract between a task and the loops that serve it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgesmith.arch.names import Scores

Outputs: TypeAlias = Any
"""What a network of the task returns: a tensor for classification; the array of the same shape from a file."""

Targets: TypeAlias = Any
"""What the task's loader gives beside the images."""


@dataclass(frozen=True)
class LossSum:
    """A loss before it is divided: sums and counts of the parts of a batch make the mean over the whole of it.

    Attributes:
        total: Scalar, with its gradient.
        count: Scalar, without one: how much ``total`` is a sum of, in pictures, known pixels or boxes.
        of_pictures: Whether it is pictures, whose number in the whole batch is known without asking the other parts.
    """

    total: Tensor
    count: Tensor
    of_pictures: bool = False

    def over(self, count: Tensor) -> Tensor:
        """The part's share of the mean over ``count``; one that is zero divides by 1."""
        return self.total / torch.where(count > 0, count, 1)

    def mean(self) -> Tensor:
        """The mean over the part alone."""
        return self.over(self.count)


class Metric(Protocol):
    """Collects batches and gives figures at the end."""

    def judge(self, outputs: Outputs, targets: Targets) -> Any:
        """What the figures need of one batch: a little for each picture, which any process can `add`.

        Args:
            outputs: Of a network (tensors) or of a file (arrays).
            targets: As the loader gave them.
        """

    def add(self, judged: Any) -> None:
        """Count one batch that was judged, here or in another process."""

    def update(self, outputs: Outputs, targets: Targets) -> None:
        """Judge and count one batch."""

    def compute(self) -> Mapping[str, Any]:
        """Plain JSON values by name; accuracies 0..1."""

    def resampled(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """The task's score on drawn pictures, without the intervals that `compute` takes its time for.

        Args:
            places: ``(D, N)``: for each of ``D`` draws the places of its pictures in the order of the updates. The same
                draws of two metrics make a paired comparison.
        """


class Task(Protocol):
    """Loss, metric and decoding of one kind of work; the head is part of the network's spec."""

    @property
    def name(self) -> str:
        """The name in the table of tasks."""

    @property
    def score_name(self) -> str:
        """The figure of `Metric.compute` that says how good a network is; more is better."""

    @property
    def chance_loss(self) -> float | None:
        """Mean loss of a network that has learned nothing, where the task knows it."""

    def loss(self, outputs: Outputs, targets: Targets) -> Tensor:
        """Scalar, the mean over the batch: that of `loss_sum`."""

    def loss_sum(self, outputs: Outputs, targets: Targets) -> LossSum:
        """The loss of a part of a batch, and what it is to be divided by once the other parts are there."""

    def is_void(self, targets: Targets) -> bool:
        """Whether a batch has nothing to learn from: its loss is zero, and a run counts such batches."""

    def distill_loss(self, outputs: Outputs, wanted: Outputs, *, temperature: float) -> Tensor:
        """Scalar: how far a network's outputs are from a teacher's, the mean over the pictures.

        Args:
            outputs: Of the network.
            wanted: Of the teacher, without gradient.
            temperature: Softens both.
        """

    def metric(self, *, seed: int = 0) -> Metric:
        """A new accumulator.

        Args:
            seed: Of the bootstrap intervals.
        """

    def decode(self, outputs: Outputs) -> Sequence[Any]:
        """What each picture shows, in the terms of the task."""

    def keep(self, outputs: Outputs) -> Any:
        """What of a batch's outputs is worth keeping beside the metric, an array with a row a picture."""


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """What a training run may ask of any task's loss.

    Attributes:
        label_smoothing: Share of the target spread over all classes, 0..1.
        class_weights: Weigh each class by the inverse of its number of pictures.
        scores: How a detector's logits become scores, which decides its loss; None for the paper's way.
    """

    label_smoothing: float = 0.0
    class_weights: bool = False
    scores: Scores | None = None
