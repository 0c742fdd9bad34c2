"""What a report says of the answers of segmenters and detectors: each class, and the pictures they did worst on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from PIL import Image

from edgesmith.data.colours import class_colours, draw_boxes, lay_over
from edgesmith.data.masks import IGNORE, Mask, resize_mask
from edgesmith.data.samples import Box
from edgesmith.deploy.predict_boxes import SHOWN_SCORE
from edgesmith.recipes.product import Score
from edgesmith.report import placed
from edgesmith.tasks.boxes import BoxRule, FoundBoxes, find_boxes
from edgesmith.tasks.matching import MATCHED_IOU
from edgesmith.tasks.segmentation import confusion_of, mean_iou

_LONGEST: Final = 480


def place_scores(score: Score) -> tuple[placed.PlaceScore, ...]:
    """Each class, in the order of the logits."""
    rows: Sequence[dict[str, Any]] = score.evaluation.metrics["per_class"]
    count, value = ("num_pixels", "iou") if score.crops.masks is not None else ("num_boxes", "ap")
    return tuple(placed.PlaceScore(name=row["class"], count=row[count], value=row[value]) for row in rows)


def colours_of(classes: Sequence[str]) -> tuple[placed.ClassColour, ...]:
    """The key to overlays."""
    table = class_colours(len(classes))
    return tuple(
        placed.ClassColour(name=name, colour="#" + bytes(colour.tolist()).hex())
        for name, colour in zip(classes, table[: len(classes)], strict=True)
    )


def worst_pictures(score: Score, num_classes: int, *, count: int) -> tuple[placed.Overlay, ...]:
    """The pictures with the lowest mean intersection over union, worst first.

    Args:
        score: How the file did, with the pictures as it saw them.
        num_classes: How many the answers tell apart.
        count: How many pictures.
    """
    crops, masks = score.crops, score.crops.masks
    assert masks is not None, "a segmenter is scored on masks"
    found = []
    for index, (answer, mask) in enumerate(zip(score.answers, masks, strict=True)):
        truth = resize_mask(mask, *answer.shape)
        if (truth != IGNORE).any():
            found.append((mean_iou(confusion_of(answer, truth, num_classes)), index, truth))
    overlays = []
    for iou, index, truth in sorted(found, key=lambda each: each[:2])[:count]:
        image = Image.fromarray(crops.images[index])
        overlays.append(
            placed.Overlay(
                file=crops.samples[index].name,
                answer=_jpeg(image, score.answers[index], num_classes),
                truth=_jpeg(image, truth, num_classes),
                words=f"mIoU {iou:.1%}",
            )
        )
    return tuple(overlays)


def worst_boxes(score: Score, classes: Sequence[str], *, count: int) -> tuple[placed.Overlay, ...]:
    """The pictures with the most objects missed and boxes too many, as shares of both; worst first.

    Args:
        score: How the file did, with the pictures as it saw them.
        classes: Names in the order of the scores.
        count: How many pictures.
    """
    crops, truths = score.crops, score.crops.boxes
    assert truths is not None, "a detector is scored on boxes"
    found = []
    for index, (answers, truth) in enumerate(zip(score.answers, truths, strict=True)):
        boxes = find_boxes(answers, BoxRule(least_score=SHOWN_SCORE))
        known = [box for box in truth if not box.crowd]
        right = _agreeing(boxes, known)
        missed, wrong = len(known) - right, len(boxes) - right
        found.append(((missed + wrong) / max(1, len(known) + len(boxes)), index, boxes, missed, wrong))
    overlays = []
    for _, index, boxes, missed, wrong in sorted(found, key=lambda each: (-each[0], each[1]))[:count]:
        image = Image.fromarray(crops.images[index])
        rows = zip(boxes.boxes.tolist(), boxes.classes.tolist(), strict=True)
        answer = draw_boxes(image, [(tuple(corners), label, "") for corners, label in rows], len(classes))
        drawn = [((box.left, box.top, box.right, box.bottom), box.label, "") for box in truths[index]]
        truth_image = draw_boxes(image, drawn, len(classes))
        overlays.append(
            placed.Overlay(
                file=crops.samples[index].name,
                answer=_encoded(answer),
                truth=_encoded(truth_image),
                words=f"{missed} missed, {wrong} too many",
            )
        )
    return tuple(overlays)


def _agreeing(found: FoundBoxes, known: Sequence[Box]) -> int:
    """Boxes that overlap an object of their class by half at least, each object once."""
    left = list(known)
    right = 0
    for corners, label in zip(found.boxes.tolist(), found.classes.tolist(), strict=True):
        best = max((each for each in left if each.label == label), key=lambda each: _iou(corners, each), default=None)
        if best is not None and _iou(corners, best) >= MATCHED_IOU:
            left.remove(best)
            right += 1
    return right


def _iou(corners: Sequence[float], box: Box) -> float:
    width = min(corners[2], box.right) - max(corners[0], box.left)
    height = min(corners[3], box.bottom) - max(corners[1], box.top)
    shared = max(0.0, width) * max(0.0, height)
    areas = (corners[2] - corners[0]) * (corners[3] - corners[1]) + (box.right - box.left) * (box.bottom - box.top)
    return shared / (areas - shared) if areas > shared else 0.0


def _jpeg(image: Image.Image, mask: Mask, num_classes: int) -> bytes:
    return _encoded(lay_over(image, mask, num_classes))


def _encoded(shown: Image.Image) -> bytes:
    shown.thumbnail((_LONGEST, _LONGEST))
    stream = io.BytesIO()
    shown.save(stream, "JPEG", quality=80)
    return stream.getvalue()
