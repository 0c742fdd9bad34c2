"""A detector's answers to boxes with classes, with numpy alone: what ``predict`` needs where torch is not installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_CORNERS: Final = 4


@dataclass(frozen=True, kw_only=True)
class BoxRule:
    """Which of a detector's many answers are kept.

    Args:
        least_score: Answers below are none.
        iou: Of two boxes of one class that overlap more, the one with the lower score goes.
        per_class: Boxes a class that are looked at, the best first.
        most: Boxes a picture that are kept.
    """

    least_score: float = 0.01
    iou: float = 0.55
    per_class: int = 300
    most: int = 100


@dataclass(frozen=True, kw_only=True)
class FoundBoxes:
    """The boxes of one picture, the surest first.

    Attributes:
        boxes: ``(K, 4)``: left, top, right, bottom, as shares of the picture.
        classes: ``(K,)`` indices of classes, the background not counted.
        scores: ``(K,)``, 0..1.
    """

    boxes: Floats
    classes: NDArray[np.int64]
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, score: float) -> FoundBoxes:
        """Those with at least this score."""
        kept = self.scores >= score
        return FoundBoxes(boxes=self.boxes[kept], classes=self.classes[kept], scores=self.scores[kept])


def find_boxes(answers: Floats, rule: BoxRule) -> FoundBoxes:
    """Boxes of one picture; none is a picture without objects, with arrays of no rows.

    Args:
        answers: ``(A, 4 + 1 + classes)``: corners as shares of the picture, then scores, those of the background first.
        rule: Which are kept.
    """
    corners, scores = answers[:, :_CORNERS], answers[:, _CORNERS + 1 :]
    boxes, classes, found = [], [], []
    for index in range(scores.shape[1]):
        places = np.flatnonzero(scores[:, index] >= rule.least_score)
        places = places[np.argsort(-scores[places, index], kind="stable")][: rule.per_class]
        kept = places[suppress(corners[places], rule.iou)]
        boxes.append(corners[kept])
        classes.append(np.full(len(kept), index, dtype=np.int64))
        found.append(scores[kept, index])
    all_scores = np.concatenate(found) if found else np.zeros(0, dtype=np.float32)
    order = np.argsort(-all_scores, kind="stable")[: rule.most]
    return FoundBoxes(
        boxes=np.concatenate(boxes)[order].astype(np.float32),
        classes=np.concatenate(classes)[order],
        scores=all_scores[order].astype(np.float32),
    )


def as_answers(rows: Floats, num_classes: int) -> Floats:
    """Boxes that are left after suppression, ``(.., K, 6)``, in the form of a detector's answers.

    Args:
        rows: Corners, score, and index of the class; rows of zeros are none.
        num_classes: Without the background.

    Returns:
        ``(.., K, 4 + 1 + num_classes)``, with the scores of all other classes at zero.
    """
    answers = np.zeros((*rows.shape[:-1], _CORNERS + 1 + num_classes), dtype=np.float32)
    answers[..., :_CORNERS] = rows[..., :_CORNERS]
    places = _CORNERS + 1 + rows[..., 5:6].astype(np.int64)
    np.put_along_axis(answers, places, rows[..., 4:5].astype(np.float32), axis=-1)
    return answers


def suppress(boxes: Floats, iou: float) -> NDArray[np.int64]:
    """Places of the boxes that no better one overlaps by more than ``iou``.

    Args:
        boxes: ``(K, 4)`` corners, the best first.
        iou: Intersection over union, 0..1.
    """
    kept: list[int] = []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.ones(len(boxes), dtype=bool)
    for place in range(len(boxes)):
        if not left[place]:
            continue
        kept.append(place)
        rest = np.flatnonzero(left[place + 1 :]) + place + 1
        top_left = np.maximum(boxes[place, :2], boxes[rest, :2])
        bottom_right = np.minimum(boxes[place, 2:], boxes[rest, 2:])
        shared = np.clip(bottom_right - top_left, 0, None).prod(axis=1)
        union = areas[place] + areas[rest] - shared
        overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        left[rest[overlap > iou]] = False
    return np.array(kept, dtype=np.int64)
