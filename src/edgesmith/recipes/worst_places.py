"""What a report says of a segmenter's answers: each class, and the pictures it did worst on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from PIL import Image

from edgesmith.data.colours import class_colours, lay_over
from edgesmith.data.masks import IGNORE, Mask, resize_mask
from edgesmith.recipes.product import Score
from edgesmith.report import placed
from edgesmith.tasks.segmentation import confusion_of, mean_iou

_LONGEST: Final = 480


def place_scores(score: Score) -> tuple[placed.PlaceScore, ...]:
    """Each class, in the order of the logits."""
    rows: Sequence[dict[str, Any]] = score.evaluation.metrics["per_class"]
    return tuple(placed.PlaceScore(name=row["class"], num_pixels=row["num_pixels"], iou=row["iou"]) for row in rows)


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
                iou=iou,
            )
        )
    return tuple(overlays)


def _jpeg(image: Image.Image, mask: Mask, num_classes: int) -> bytes:
    shown = lay_over(image, mask, num_classes)
    shown.thumbnail((_LONGEST, _LONGEST))
    stream = io.BytesIO()
    shown.save(stream, "JPEG", quality=80)
    return stream.getvalue()
