"""Cropped pictures in the batches that evaluation uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.data.evaluation import Crops, EvaluationBatch

EVALUATION_BATCH: Final = 50


def batches_of(crops: Crops) -> Iterator[EvaluationBatch]:
    """The crops in the batch size that evaluation uses."""
    return crops.batches(EVALUATION_BATCH)


@dataclass(frozen=True, kw_only=True)
class PixelBatch:
    """Cropped pictures ``(N, H, W, 3)`` uint8 with their labels: whoever runs them scales them."""

    images: NDArray[Any]
    labels: NDArray[np.int64]


def pixel_batches_of(crops: Crops) -> Iterator[PixelBatch]:
    """The crops as they are, for files that may scale pictures themselves."""
    for start in range(0, len(crops.samples), EVALUATION_BATCH):
        part = slice(start, start + EVALUATION_BATCH)
        yield PixelBatch(images=crops.images[part], labels=crops.labels[part])
