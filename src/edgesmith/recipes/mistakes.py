"""The pictures that a model got wrong, with what it took them for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image

from edgesmith.recipes.product import Score
from edgesmith.report import content
from edgesmith.tasks.classes import softmax

_THUMBNAIL: Final = 192
_GUESSES: Final = 3


def find_mistakes(score: Score, classes: Sequence[str], *, with_thumbnail: int) -> tuple[content.Mistake, ...]:
    """All wrong pictures, the most confident first.

    Args:
        score: How the file did, with the pictures as it saw them.
        classes: Names in the order of the logits.
        with_thumbnail: How many of the first carry a small picture.
    """
    crops, scores = score.crops, softmax(score.answers)
    labels = np.array([sample.label for sample in crops.samples], dtype=np.int64)
    wrong = np.flatnonzero(scores.argmax(axis=1) != labels)
    ordered = wrong[np.argsort(-scores[wrong].max(axis=1), kind="stable")]
    mistakes = []
    for place, index in enumerate(ordered):
        best = np.argsort(-scores[index], kind="stable")[:_GUESSES]
        mistakes.append(
            content.Mistake(
                file=crops.samples[index].name,
                thumbnail=_jpeg(crops.images[index]) if place < with_thumbnail else b"",
                truth=classes[labels[index]],
                guesses=tuple(content.ClassGuess(name=classes[i], score=float(scores[index, i])) for i in best),
            )
        )
    return tuple(mistakes)


def _jpeg(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    image = Image.fromarray(pixels)
    if min(image.size) < _THUMBNAIL // 2:  # tiny pictures keep their pixels
        image = image.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=82)
    return stream.getvalue()
