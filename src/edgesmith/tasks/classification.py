"""One class a picture: cross entropy, top-1 with its interval, per-class figures and the confusion matrix.

Shape: logits ``(N, classes)``; targets ``(N,)`` class indices, or ``(N, classes)`` shares from mixup and cutmix.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from edgesmith.core.bootstrap import interval_of_share
from edgesmith.core.errors import DataError
from edgesmith.core.seed import generator
from edgesmith.tasks.base import LossSum
from edgesmith.tasks.classes import ScoredClass, decode


class Classification:
    """Tell which of the classes a picture shows.

    Args:
        class_names: In the order of the logits, at least two.
        label_smoothing: Share of the target spread over all classes, 0..1.
        class_weights: One factor a class for its pictures' loss, or None for all alike; see `balanced_weights`.
    """

    name = "classification"
    score_name = "top1"

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        if len(class_names) < 2:
            raise DataError(f"classification needs at least two classes, got {len(class_names)}: {list(class_names)}")
        self.class_names = tuple(class_names)
        self.label_smoothing = label_smoothing
        self.class_weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)

    @property
    def chance_loss(self) -> float:
        """ln(classes): the cross entropy of equal logits, with or without label smoothing."""
        return math.log(len(self.class_names))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy, the mean over the pictures; with class indices and weights, by their weights."""
        return self.loss_sum(outputs, targets).mean()

    def loss_sum(self, outputs: Tensor, targets: Tensor) -> LossSum:
        """As torch divides it: by the pictures, or by the weights of their classes where targets are indices."""
        weights = None if self.class_weights is None else self.class_weights.to(outputs.device)
        total = F.cross_entropy(outputs, targets, weight=weights, label_smoothing=self.label_smoothing, reduction="sum")
        if weights is None or targets.ndim > 1:
            return LossSum(total, total.new_tensor(len(targets)), of_pictures=True)
        return LossSum(total, weights[targets].sum())

    def is_void(self, targets: Tensor) -> bool:
        """Never: every picture has a class."""
        return False

    def distill_loss(self, outputs: Tensor, wanted: Tensor, *, temperature: float) -> Tensor:
        """Kullback-Leibler divergence of the softened shares, times the temperature's square as its gradients need.

        Paper: Hinton et al., "Distilling the Knowledge in a Neural Network", section 2.
        """
        ours, theirs = (F.log_softmax(logits / temperature, dim=1) for logits in (outputs, wanted))
        return temperature**2 * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)

    def metric(self, *, seed: int = 0) -> ClassificationMetric:
        """A new accumulator over these classes."""
        return ClassificationMetric(self.class_names, seed=seed)

    def decode(self, outputs: Tensor | NDArray[np.generic]) -> Sequence[Sequence[ScoredClass]]:
        """The five likeliest classes of each picture."""
        array = outputs.detach().float().cpu().numpy() if isinstance(outputs, Tensor) else outputs
        return decode(array, self.class_names)

    def keep(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits."""
        return outputs


class JudgedClasses(NamedTuple):
    """What is counted of ``N`` pictures; every tensor is ``(N,)``."""

    predicted: Tensor
    labels: Tensor
    among_five: Tensor
    losses: Tensor


class ClassificationMetric:
    """Top-1 with its bootstrap interval, top-5, log loss, per-class recall, precision and F1, and the confusion matrix.

    Args:
        class_names: In the order of the logits.
        seed: Of the bootstrap.
    """

    def __init__(self, class_names: Sequence[str], *, seed: int) -> None:
        from torchmetrics.classification import MulticlassConfusionMatrix

        count = len(class_names)
        self._class_names = tuple(class_names)
        self._seed = seed
        self._correct: list[Tensor] = []
        self._among_five: list[Tensor] = []
        self._losses: list[Tensor] = []
        # Several processes score together before they count: torchmetrics would add their counts up once more.
        self._confusion = MulticlassConfusionMatrix(num_classes=count, sync_on_compute=False)

    def update(self, outputs: Tensor | NDArray[np.generic], targets: Tensor | NDArray[np.generic]) -> None:
        """Judge and count one batch; targets are class indices.

        Raises:
            DataError: Outputs are of another number of classes.
        """
        self.add(self.judge(outputs, targets))

    def judge(self, outputs: Tensor | NDArray[np.generic], targets: Tensor | NDArray[np.generic]) -> JudgedClasses:
        """Four numbers a picture, however many classes there are.

        Raises:
            DataError: Outputs are of another number of classes.
        """
        logits, labels = torch.as_tensor(outputs).detach().float().cpu(), torch.as_tensor(targets).long().cpu()
        if logits.ndim != 2 or logits.shape[1] != len(self._class_names):
            raise DataError(f"outputs of shape {tuple(logits.shape)} do not fit {len(self._class_names)} classes")
        best = logits.topk(min(5, logits.shape[1]), dim=1).indices
        return JudgedClasses(
            predicted=logits.argmax(dim=1),
            labels=labels,
            among_five=(best == labels[:, None]).any(dim=1),
            losses=F.cross_entropy(logits, labels, reduction="none"),
        )

    def add(self, judged: JudgedClasses) -> None:
        """Count one batch that was judged."""
        self._correct.append(judged.predicted == judged.labels)
        self._among_five.append(judged.among_five)
        self._losses.append(judged.losses)
        self._confusion.update(judged.predicted, judged.labels)

    def compute(self) -> Mapping[str, Any]:
        """Accuracies 0..1; a figure of a class without pictures is None.

        Raises:
            DataError: Nothing was counted.
        """
        if not self._correct:
            raise DataError("there is no picture to evaluate on")
        correct = torch.cat(self._correct).double().numpy()
        top1 = interval_of_share(correct, rng=generator(self._seed, "bootstrap"))
        confusion = self._confusion.compute()
        per_class = self._per_class(confusion)
        recalls = [row["recall"] for row in per_class if row["recall"] is not None]
        return {
            "top1": top1.value,
            "top1_low": top1.low,
            "top1_high": top1.high,
            "top5": float(torch.cat(self._among_five).double().mean()),
            "mean_recall": sum(recalls) / len(recalls),
            "log_loss": float(torch.cat(self._losses).double().mean()),
            "per_class": per_class,
            "confusion": confusion.tolist(),
        }

    def resampled(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Top-1 of each draw ``(D, N)`` of pictures."""
        return np.asarray(torch.cat(self._correct).double().numpy()[places].mean(axis=1))

    def _per_class(self, confusion: Tensor) -> list[dict[str, Any]]:
        right, true, predicted = confusion.diag(), confusion.sum(dim=1), confusion.sum(dim=0)
        return [
            {
                "class": name,
                "num_images": int(true[i]),
                "recall": _share(right[i], true[i]),
                "precision": _share(right[i], predicted[i]),
                "f1": _share(2 * right[i], true[i] + predicted[i]),
            }
            for i, name in enumerate(self._class_names)
        ]


def balanced_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """Weights that give every class the same share of the loss; their mean over the pictures is 1.

    Args:
        counts: Training pictures of each class, each at least 1.

    Raises:
        DataError: A class has no training picture.
    """
    if min(counts) < 1:
        raise DataError(f"class {counts.index(min(counts))} has no training picture, so it cannot be weighed")
    total = sum(counts)
    return tuple(total / (len(counts) * count) for count in counts)


def _share(part: Tensor, whole: Tensor) -> float | None:
    return float(part / whole) if int(whole) else None
