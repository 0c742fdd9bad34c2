"""Pictures as evaluation, calibration and prediction read them: numpy batches, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.threads import share_of_threads
from edgesmith.data.dataset import Dataset, load_sample
from edgesmith.data.masks import Mask
from edgesmith.data.pictures import PictureError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.room import PixelRoom
from edgesmith.data.samples import Box, Problem, Sample

LIMIT_BYTES: Final = 4_000_000_000

Labels: TypeAlias = NDArray[np.int64] | tuple[Mask, ...] | tuple[tuple[Box, ...], ...]
"""What pictures should be: ``(N,)`` class indices, ``N`` masks, or the boxes of ``N`` pictures."""


@dataclass(frozen=True, kw_only=True)
class EvaluationBatch:
    """Normalized pictures with what they should be.

    Args:
        images: ``(N, 3, H, W)`` float32.
        labels: ``(N,)`` int64; with masks ``N`` of them, each of its picture's own size.
        samples: The ``N`` samples, in the same order.
        problems: Pictures of this stretch that could not be decoded and are left out.
    """

    images: NDArray[np.float32]
    labels: Labels
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Crops:
    """Decoded, cropped pictures that fit in memory; scaling them is left for each pass, for a quarter of the bytes.

    Args:
        images: ``(N, H, W, 3)`` uint8.
        samples: The ``N`` samples, in the same order.
        problems: Pictures that could not be decoded and are left out.
        preprocessing: The rule they were cut by.
        masks: In segmentation the ``N`` masks, each of its picture's own size.
        boxes: In detection the boxes of each picture.
    """

    images: NDArray[np.uint8]
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...]
    preprocessing: Preprocessing
    masks: tuple[Mask, ...] | None = None
    boxes: tuple[tuple[Box, ...], ...] | None = None

    @property
    def labels(self) -> Labels:
        """``(N,)`` class indices, or the masks, or the boxes of each picture."""
        if self.masks is not None:
            return self.masks
        if self.boxes is not None:
            return self.boxes
        return np.array([sample.label for sample in self.samples], dtype=np.int64)

    def batches(self, batch_size: int) -> Iterator[EvaluationBatch]:
        """The same batches as `evaluation_batches`, without decoding again."""
        labels = self.labels
        for start in range(0, len(self.samples), batch_size):
            part = slice(start, start + batch_size)
            images = self.preprocessing.normalize(self.images[part])
            yield EvaluationBatch(images=images, labels=labels[part], samples=self.samples[part])


def evaluation_batches(
    dataset: Dataset,
    samples: Sequence[Sample],
    preprocessing: Preprocessing,
    *,
    batch_size: int,
    progress: Progress = SILENT,
) -> Iterator[EvaluationBatch]:
    """Decode and preprocess in order, a batch at a time; memory holds one batch.

    A batch whose pictures are all bad still comes, with no images, so that its problems are seen.

    Args:
        dataset: Its ``bad_pictures`` policy decides between leaving a picture out and `PictureError`.
        samples: What to read, usually a split of ``dataset``.
        preprocessing: The rule; its ``apply_orientation`` holds for decoding.
        batch_size: Pictures a batch before bad ones are left out.
        progress: Told of each picture.

    Raises:
        UsageError: The batch size is below 1.
        PictureError: A picture is bad, and the set's policy is to stop.
    """
    if batch_size < 1:
        raise UsageError(f"batch size must be 1 or more, got {batch_size}")
    with progress.stage("reading pictures", len(samples), "pictures") as stage:
        for start in range(0, len(samples), batch_size):
            part = samples[start : start + batch_size]
            crops = _crop(dataset, part, preprocessing)
            stage.advance(len(part))
            yield EvaluationBatch(
                images=preprocessing.normalize(crops.images),
                labels=crops.labels,
                samples=crops.samples,
                problems=crops.problems,
            )


def crop_pictures(
    dataset: Dataset,
    samples: Sequence[Sample],
    preprocessing: Preprocessing,
    *,
    limit_bytes: int = LIMIT_BYTES,
    progress: Progress = SILENT,
) -> Crops:
    """Decode and crop once what is evaluated many times, such as val after each epoch.

    They take ``len(samples) * height * width * 3`` bytes, and masks a byte a pixel of their own size.

    Args:
        dataset: Its ``bad_pictures`` policy decides between leaving a picture out and `PictureError`.
        samples: What to read.
        preprocessing: The rule.
        limit_bytes: Memory for them; beyond it they lie in a file in the cache folder.
        progress: Told of each picture.

    Raises:
        DataError: Neither memory nor disk have room for them.
    """
    room = PixelRoom(limit_bytes)
    images = room.array(len(samples), preprocessing.height, preprocessing.width, 3)
    parts: list[Crops] = []
    masks: list[Mask] = []
    count = 0
    with progress.stage("reading pictures", len(samples), "pictures") as stage:
        for start in range(0, len(samples), 64):
            part = samples[start : start + 64]
            found = _crop(dataset, part, preprocessing)
            images[count : count + len(found.samples)] = found.images
            count += len(found.samples)
            masks += _kept(found.masks or (), room)
            parts.append(replace(found, images=_no_images(preprocessing), masks=None))
            stage.advance(len(part))
    return Crops(
        images=images[:count],
        samples=tuple(sample for part in parts for sample in part.samples),
        problems=tuple(problem for part in parts for problem in part.problems),
        preprocessing=preprocessing,
        masks=None if dataset.mask_code is None else tuple(masks),
        boxes=tuple(boxes for part in parts for boxes in part.boxes or ()) if dataset.task == "detection" else None,
    )


def _crop(dataset: Dataset, samples: Sequence[Sample], preprocessing: Preprocessing) -> Crops:
    def read(sample: Sample) -> tuple[NDArray[np.uint8], Sample, Mask | None] | PictureError:
        try:
            image, sample, mask = load_sample(dataset, sample, apply_orientation=preprocessing.apply_orientation)
        except PictureError as error:
            if dataset.bad_pictures == "error":
                raise
            return error
        return preprocessing.crop(image), sample, mask

    with ThreadPoolExecutor(share_of_threads()) as pool:
        found = list(zip(samples, pool.map(read, samples), strict=True))
    good = [item for _, item in found if not isinstance(item, PictureError)]
    return Crops(
        images=np.stack([image for image, _, _ in good]) if good else _no_images(preprocessing),
        samples=tuple(sample for _, sample, _ in good),
        problems=tuple(item.as_problem(sample.name) for sample, item in found if isinstance(item, PictureError)),
        preprocessing=preprocessing,
        masks=None if dataset.mask_code is None else tuple(mask for _, _, mask in good if mask is not None),
        boxes=tuple(sample.boxes for _, sample, _ in good) if dataset.task == "detection" else None,
    )


def _kept(masks: Sequence[Mask], room: PixelRoom) -> list[Mask]:
    """Copies of some masks, one after the other in one array of the room."""
    whole = room.array(sum(mask.size for mask in masks))
    kept, start = [], 0
    for mask in masks:
        place = whole[start : start + mask.size].reshape(mask.shape)
        place[:] = mask
        kept.append(place)
        start += mask.size
    return kept


def _no_images(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    return np.empty((0, preprocessing.height, preprocessing.width, 3), dtype=np.uint8)
