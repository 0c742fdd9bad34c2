"""One class a pixel: cross entropy over known pixels, and the mean intersection over union.

Shape: logits ``(N, classes, H, W)``; targets ``(N, H, W)`` class indices, with `IGNORE` where nothing is known. The
logits may be coarser than the targets: they are resized to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from edgesmith.core.bootstrap import interval_of_sums
from edgesmith.core.errors import DataError
from edgesmith.core.seed import generator
from edgesmith.data.masks import IGNORE, Mask
from edgesmith.tasks.base import LossSum


class Segmentation:
    """Tell what every pixel of a picture shows.

    Args:
        class_names: In the order of the logits.
        label_smoothing: Share of the target spread over all classes, 0..1.
    """

    name = "segmentation"
    score_name = "miou"

    def __init__(self, class_names: Sequence[str], *, label_smoothing: float = 0.0) -> None:
        if len(class_names) < 2:
            raise DataError(f"segmentation needs at least two classes, got {len(class_names)}: {list(class_names)}")
        self.class_names = tuple(class_names)
        self.label_smoothing = label_smoothing

    @property
    def chance_loss(self) -> float:
        """ln(classes): the cross entropy of equal logits."""
        return math.log(len(self.class_names))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy, the mean over all known pixels of the batch; zero where there is none."""
        return self.loss_sum(outputs, targets).mean()

    def loss_sum(self, outputs: Tensor, targets: Tensor) -> LossSum:
        """Over known pixels."""
        logits = resized(outputs, targets.shape[-2:])
        total = F.cross_entropy(
            logits, targets, ignore_index=IGNORE, label_smoothing=self.label_smoothing, reduction="sum"
        )
        return LossSum(total, (targets != IGNORE).sum().to(total))

    def distill_loss(self, outputs: Tensor, wanted: Tensor, *, temperature: float) -> Tensor:
        """Kullback-Leibler divergence of the softened shares, the mean over the pixels; times the temperature's square.

        Paper: Hinton et al., "Distilling the Knowledge in a Neural Network", section 2.
        """
        ours, theirs = resized(outputs, wanted.shape[-2:]), wanted
        ours, theirs = (F.log_softmax(logits / temperature, dim=1) for logits in (ours, theirs))
        total = F.kl_div(ours, theirs, reduction="sum", log_target=True)
        return temperature**2 * total / (len(wanted) * wanted.shape[-2] * wanted.shape[-1])

    def metric(self, *, seed: int = 0) -> SegmentationMetric:
        """A new accumulator over these classes."""
        return SegmentationMetric(self.class_names, seed=seed)

    def decode(self, outputs: Tensor | NDArray[np.generic]) -> Sequence[Mask]:
        """The likeliest class of every pixel."""
        return list(self.keep(outputs))

    def keep(self, outputs: Tensor | NDArray[np.generic]) -> NDArray[np.uint8]:
        """The likeliest classes, ``(N, H, W)``: a thirtieth of the bytes of the logits."""
        return np.asarray(torch.as_tensor(outputs).argmax(dim=1).cpu().numpy(), dtype=np.uint8)


class SegmentationMetric:
    """Mean intersection over union with its bootstrap interval over pictures, per class, and pixel accuracy.

    Pictures are judged in their own size: logits are resized to each mask. Of each picture three numbers a class are
    kept, whatever its size: memory is ``24 * classes`` bytes a picture.

    Args:
        class_names: In the order of the logits.
        seed: Of the bootstrap.
    """

    def __init__(self, class_names: Sequence[str], *, seed: int) -> None:
        self._class_names = tuple(class_names)
        self._seed = seed
        self._counts: list[NDArray[np.int64]] = []

    def update(self, outputs: Tensor | NDArray[np.generic], targets: Sequence[Mask] | Tensor) -> None:
        """Judge and count one batch; a target is a mask of its picture's own size.

        Raises:
            DataError: Outputs are of another number of classes.
        """
        self.add(self.judge(outputs, targets))

    def judge(self, outputs: Tensor | NDArray[np.generic], targets: Sequence[Mask] | Tensor) -> list[NDArray[np.int64]]:
        """For each picture ``(3, classes)`` pixels, see `pixel_counts`.

        Raises:
            DataError: Outputs are of another number of classes.
        """
        logits = torch.as_tensor(outputs).detach().float().cpu()
        count = len(self._class_names)
        if logits.ndim != 4 or logits.shape[1] != count:
            raise DataError(f"outputs of shape {tuple(logits.shape)} do not fit {count} classes")
        judged = []
        for answer, mask in zip(logits, targets, strict=True):
            truth = torch.as_tensor(mask)
            predicted = resized(answer[None], truth.shape)[0].argmax(dim=0)
            judged.append(pixel_counts(confusion_of(predicted.numpy(), truth.numpy(), count)))
        return judged

    def add(self, judged: Sequence[NDArray[np.int64]]) -> None:
        """Count one batch that was judged."""
        self._counts += judged

    def compute(self) -> Mapping[str, Any]:
        """Shares 0..1; the figure of a class that neither stands in a mask nor was named is None.

        Raises:
            DataError: Nothing was counted, or no pixel had a class.
        """
        if not self._counts:
            raise DataError("there is no picture to evaluate on")
        counts = np.stack(self._counts)
        total = counts.sum(axis=0)
        if not total.any():
            raise DataError("no pixel of these pictures has a class")
        miou = interval_of_sums(
            counts.reshape(len(counts), -1),
            lambda sums: _mean_share(sums.reshape(total.shape)),
            rng=generator(self._seed, "bootstrap"),
        )
        return {
            "miou": miou.value,
            "miou_low": miou.low,
            "miou_high": miou.high,
            "pixel_accuracy": float(total[0].sum() / total[1].sum()),
            "per_class": [
                {"class": name, "num_pixels": int(pixels), "iou": iou}
                for name, pixels, iou in zip(self._class_names, total[1], _shares(total), strict=True)
            ],
        }

    def resampled(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean intersection over union of each draw ``(D, N)`` of pictures."""
        counts = np.stack(self._counts)
        return np.array([_mean_share(counts[drawn].sum(axis=0)) for drawn in places])


def confusion_of(answer: NDArray[Any], truth: NDArray[Any], num_classes: int) -> NDArray[np.int64]:
    """``(classes, classes)``: pixels by true and answered class; those that nothing is known of are left out."""
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    found = multiclass_confusion_matrix(
        torch.from_numpy(answer.astype(np.int64)),
        torch.from_numpy(truth.astype(np.int64)),
        num_classes=num_classes,
        ignore_index=IGNORE,
    )
    return np.asarray(found.numpy(), dtype=np.int64)


def ious(confusion: NDArray[np.int64]) -> list[float | None]:
    """Intersection over union of each class; None where neither truth nor answer has it."""
    return _shares(pixel_counts(confusion))


def mean_iou(confusion: NDArray[np.int64]) -> float:
    """Mean over the classes that have one."""
    return _mean_share(pixel_counts(confusion))


def pixel_counts(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """``(3, classes)``: pixels that are of a class and were named so, that are of it, that were named so."""
    return np.stack([confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)])


def _shares(counts: NDArray[np.int64]) -> list[float | None]:
    right, true, named = counts
    return [float(part / whole) if whole else None for part, whole in zip(right, true + named - right, strict=True)]


def _mean_share(counts: NDArray[np.int64]) -> float:
    found = [share for share in _shares(counts) if share is not None]
    return sum(found) / len(found)


def resized(logits: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear resize to ``(height, width)``, if it is another."""
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    return F.interpolate(logits, size=tuple(size), mode="bilinear", align_corners=False)
