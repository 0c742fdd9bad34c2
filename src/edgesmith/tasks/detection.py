"""Boxes with classes: SSD's losses, and mean average precision.

Shape: outputs of a network ``(N, A, 8 + 1 + classes)``, of a file ``(N, A, 4 + 1 + classes)``, see `SsdLite`; targets
``(N, M, 5)``: class counted from 1 (0 for no box) and corners as shares of the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from edgesmith.arch.names import Scores
from edgesmith.core.errors import DataError, UsageError
from edgesmith.core.seed import generator
from edgesmith.data.samples import Box
from edgesmith.nn.anchored import decode_offsets, encode_boxes
from edgesmith.tasks.base import LossSum
from edgesmith.tasks.boxes import BoxRule, FoundBoxes, find_boxes
from edgesmith.tasks.matching import match

_ALPHA: Final = 0.75  # of positives in the focal loss, as TensorFlow's configurations for MobileNetV3 have it
_GAMMA: Final = 2.0
_NEGATIVES: Final = 3  # for each positive, the hardest, in the softmax loss
_DRAWS: Final = 40


class Detection:
    """Find the objects of a picture.

    Args:
        class_names: In the order of the logits, the background not among them.
        scores: How logits become scores: ``sigmoid`` has the paper's focal loss, ``softmax`` torchvision's cross
            entropy over the hardest negatives.
    """

    name = "detection"
    score_name = "map"

    def __init__(self, class_names: Sequence[str], *, scores: Scores = Scores.SIGMOID) -> None:
        if not class_names:
            raise DataError("detection needs at least one class")
        self.class_names = tuple(class_names)
        self.scores = scores

    @property
    def chance_loss(self) -> None:
        """Nobody knows: it depends on how many boxes stand for objects."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Classes and offsets, summed over the boxes and divided by those that stand for an object, at least 1."""
        return self.loss_sum(outputs, targets).mean()

    def loss_sum(self, outputs: Tensor, targets: Tensor) -> LossSum:
        """Over the boxes that stand for an object."""
        anchors = outputs[0, :, 4:8]
        classes, wanted = [], []
        for rows in targets:
            rows = rows[rows[:, 0] > 0]
            places = match(anchors, rows[:, 1:])
            found = places >= 0
            chosen = rows[places.clamp(min=0)] if len(rows) else rows.new_zeros(len(anchors), 5)
            classes.append(torch.where(found, chosen[:, 0], 0).long())
            wanted.append(encode_boxes(chosen[:, 1:], anchors) if len(rows) else torch.zeros_like(anchors))
        labels, offsets = torch.stack(classes), torch.stack(wanted)
        positive = labels > 0
        placing = F.smooth_l1_loss(outputs[..., :4][positive], offsets[positive], reduction="sum")
        if self.scores is Scores.SIGMOID:
            total = placing / 4 + _focal(outputs[..., 8:], labels)
        else:
            total = placing + _hardest(outputs[..., 8:], labels, positive)
        return LossSum(total, positive.sum().to(total))

    def distill_loss(self, outputs: Tensor, wanted: Tensor, *, temperature: float) -> Tensor:
        """Not there.

        Raises:
            UsageError: Always.
        """
        raise UsageError("a detector has no teacher so far; leave --teacher out")

    def metric(self, *, seed: int = 0) -> DetectionMetric:
        """A new accumulator over these classes."""
        return DetectionMetric(self, seed=seed)

    def decode(self, outputs: Tensor | NDArray[np.generic], rule: BoxRule | None = None) -> Sequence[FoundBoxes]:
        """The boxes of each picture."""
        return [find_boxes(answers, rule or BoxRule()) for answers in self.keep(outputs)]

    def keep(self, outputs: Tensor | NDArray[np.generic]) -> NDArray[np.float32]:
        """Corners and scores, ``(N, A, 4 + 1 + classes)``, of a network's answers or a file's.

        Raises:
            DataError: Outputs are of another number of classes.
        """
        answers = torch.as_tensor(outputs).detach().float().cpu()
        slots = 1 + len(self.class_names)
        if answers.ndim != 3 or answers.shape[2] not in (4 + slots, 8 + slots):
            raise DataError(f"outputs of shape {tuple(answers.shape)} do not fit {len(self.class_names)} classes")
        if answers.shape[2] == 4 + slots:
            return answers.numpy()
        logits = answers[..., 8:]
        scores = logits.sigmoid() if self.scores is Scores.SIGMOID else logits.softmax(dim=2)
        return torch.cat([decode_offsets(answers[..., :4], answers[..., 4:8]), scores], dim=2).numpy()


def _focal(logits: Tensor, labels: Tensor) -> Tensor:
    """Each class by itself, the background too; what is right and sure counts little.

    Paper: Lin et al., "Focal Loss for Dense Object Detection", section 3.
    """
    wanted = F.one_hot(labels, logits.shape[-1]).to(logits)
    losses = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    shares = logits.sigmoid()
    missing = wanted * (1 - shares) + (1 - wanted) * shares
    weights = wanted * _ALPHA + (1 - wanted) * (1 - _ALPHA)
    # The background is most of what there is: only classes of objects are asked, as their absence says the same.
    return (weights * missing**_GAMMA * losses)[..., 1:].sum()


def _hardest(logits: Tensor, labels: Tensor, positive: Tensor) -> Tensor:
    """Cross entropy of the boxes that stand for objects and of three times as many others, in each picture."""
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)
    background = losses.detach().masked_fill(positive, float("-inf"))
    ranks = background.argsort(dim=1, descending=True).argsort(dim=1)
    asked = ranks < _NEGATIVES * positive.sum(dim=1, keepdim=True)
    return losses[positive | asked].sum()


class DetectionMetric:
    """Mean average precision over the thresholds .5 to .95 with its bootstrap interval over pictures.

    Args:
        task: Gives classes and decoding.
        seed: Of the bootstrap.
    """

    def __init__(self, task: Detection, *, seed: int) -> None:
        self._task, self._seed = task, seed
        self._found: list[dict[str, Tensor]] = []
        self._truth: list[dict[str, Tensor]] = []

    def update(self, outputs: Tensor | NDArray[np.generic], targets: Sequence[Sequence[Box]]) -> None:
        """Judge and count one batch; a target is the boxes of its picture."""
        self.add(self.judge(outputs, targets))

    def judge(
        self, outputs: Tensor | NDArray[np.generic], targets: Sequence[Sequence[Box]]
    ) -> list[tuple[dict[str, Tensor], dict[str, Tensor]]]:
        """The boxes that were found and those that are there, of each picture."""
        judged = []
        for found, boxes in zip(self._task.decode(outputs), targets, strict=True):
            answer = {
                "boxes": torch.from_numpy(found.boxes) * _SIDE,
                "scores": torch.from_numpy(found.scores),
                "labels": torch.from_numpy(found.classes),
            }
            corners = [(box.left, box.top, box.right, box.bottom) for box in boxes]
            truth = {
                "boxes": torch.tensor(corners, dtype=torch.float32).reshape(-1, 4) * _SIDE,
                "labels": torch.tensor([box.label for box in boxes], dtype=torch.int64),
                "iscrowd": torch.tensor([int(box.crowd) for box in boxes], dtype=torch.int64),
            }
            judged.append((answer, truth))
        return judged

    def add(self, judged: Sequence[tuple[dict[str, Tensor], dict[str, Tensor]]]) -> None:
        """Count one batch that was judged."""
        self._found += [answer for answer, _ in judged]
        self._truth += [truth for _, truth in judged]

    def compute(self) -> Mapping[str, Any]:
        """Shares 0..1; the figure of a class without a box is None.

        Raises:
            DataError: Nothing was counted, or no picture had a box.
        """
        if not self._truth:
            raise DataError("there is no picture to evaluate on")
        counts = torch.bincount(
            torch.cat([each["labels"] for each in self._truth]), minlength=len(self._task.class_names)
        )
        if not counts.any():
            raise DataError("none of these pictures has a box to find")
        whole = self._score(range(len(self._truth)), per_class=True)
        random = generator(self._seed, "bootstrap")
        drawn = [self._score(random.integers(0, len(self._truth), len(self._truth)))["map"] for _ in range(_DRAWS)]
        low, high = np.quantile([value for value in drawn if value >= 0] or [0.0], [0.025, 0.975])
        by_class = dict(zip(whole["classes"], whole["map_per_class"], strict=True))
        return {
            "map": max(0.0, whole["map"]),
            "map_low": min(float(low), max(0.0, whole["map"])),
            "map_high": max(float(high), max(0.0, whole["map"])),
            "map_50": max(0.0, whole["map_50"]),
            "map_75": max(0.0, whole["map_75"]),
            "per_class": [
                {"class": name, "num_boxes": int(count), "ap": by_class.get(index) if count else None}
                for index, (name, count) in enumerate(zip(self._task.class_names, counts, strict=True))
            ],
        }

    def resampled(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean average precision of each draw ``(D, N)`` of pictures; zero where none of them has a box."""
        return np.array([max(0.0, self._score(drawn)["map"]) for drawn in places])

    def _score(self, places: Sequence[int] | NDArray[np.int64] | range, *, per_class: bool = False) -> dict[str, Any]:
        from torchmetrics.detection import MeanAveragePrecision

        metric = MeanAveragePrecision(backend="faster_coco_eval", class_metrics=per_class, sync_on_compute=False)
        metric.warn_on_many_detections = False
        metric.update([self._found[place] for place in places], [self._truth[place] for place in places])
        found = metric.compute()
        result = {key: float(found[key]) for key in ("map", "map_50", "map_75")}
        if per_class:
            classes = found["classes"].reshape(-1).tolist()
            result |= {"classes": classes, "map_per_class": found["map_per_class"].reshape(-1).tolist()}
        return result


_SIDE: Final = 1000.0  # boxes are scored on pictures of this side: only the classes of size depend on it
