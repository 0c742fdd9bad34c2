"""Cropped pictures in the batches that evaluation uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from edgesmith.data.evaluation import Crops, EvaluationBatch, Labels

EVALUATION_BATCH: Final = 50
_DENSE_PIXELS: Final = 1 << 19  # answers for every pixel take many times the bytes of the picture


def batches_of(crops: Crops) -> Iterator[EvaluationBatch]:
    """The crops in the batch size that evaluation uses."""
    return crops.batches(_size(crops))


def _size(crops: Crops) -> int:
    if crops.masks is None:
        return EVALUATION_BATCH
    height, width = crops.images.shape[1:3]
    return max(1, min(EVALUATION_BATCH, _DENSE_PIXELS // int(height * width)))


@dataclass(frozen=True, kw_only=True)
class PixelBatch:
    """Cropped pictures ``(N, H, W, 3)`` uint8 with their labels: whoever runs them scales them."""

    images: NDArray[Any]
    labels: Labels


def pixel_batches_of(crops: Crops) -> Iterator[PixelBatch]:
    """The crops as they are, for files that may scale pictures themselves."""
    size, labels = _size(crops), crops.labels
    for start in range(0, len(crops.samples), size):
        part = slice(start, start + size)
        yield PixelBatch(images=crops.images[part], labels=labels[part])
