"""Decoded training pictures, kept in memory as far as they fit."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import DataError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.threads import share_of_threads
from edgesmith.data.dataset import Dataset, load_sample
from edgesmith.data.masks import resize_mask
from edgesmith.data.pictures import PictureError
from edgesmith.data.preprocessing import resize_short_side
from edgesmith.data.samples import Problem, Sample


class PictureCache:
    """Good pictures by index; those beyond the memory limit are decoded anew at each use, to the same bytes.

    Forked workers share the arrays without copying them.

    Args:
        dataset: Where pictures that are not kept are read.
        samples: The samples that can be decoded.
        arrays: ``(H, W, 3)`` uint8 each, or None where the picture is not kept; in segmentation with a fourth channel,
            the mask.
        short_side: Short side that larger pictures are reduced to, in pixels.
        apply_orientation: Whether EXIF orientation is applied.
        problems: Pictures that were left out.
    """

    def __init__(
        self,
        dataset: Dataset,
        samples: Sequence[Sample],
        arrays: Sequence[NDArray[np.uint8] | None],
        *,
        short_side: int,
        apply_orientation: bool,
        problems: Sequence[Problem],
    ) -> None:
        self.dataset = dataset
        self.samples: tuple[Sample, ...] = tuple(samples)
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.short_side = short_side
        self.apply_orientation = apply_orientation
        self._arrays = list(arrays)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def size_bytes(self) -> int:
        """Memory that the kept pictures take."""
        return sum(array.nbytes for array in self._arrays if array is not None)

    @property
    def num_kept(self) -> int:
        """Pictures that are held in memory."""
        return sum(array is not None for array in self._arrays)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """``(H, W, 3)``, or ``(H, W, 4)`` with the mask as the fourth channel; do not write to it."""
        array = self._arrays[index]
        return array if array is not None else self._decode(index)

    def subset(self, samples: Sequence[Sample]) -> PictureCache:
        """A view of some samples that shares the arrays; samples that could not be decoded stay out."""
        places = {sample.name: place for place, sample in enumerate(self.samples)}
        chosen = [places[sample.name] for sample in samples if sample.name in places]
        names = {sample.name for sample in samples}
        return PictureCache(
            self.dataset,
            [self.samples[place] for place in chosen],
            [self._arrays[place] for place in chosen],
            short_side=self.short_side,
            apply_orientation=self.apply_orientation,
            problems=[problem for problem in self.problems if problem.file in names],
        )

    def _decode(self, index: int) -> NDArray[np.uint8]:
        return _reduced(self.dataset, self.samples[index], self.short_side, self.apply_orientation)[0]


def decode_pictures(
    dataset: Dataset,
    samples: Sequence[Sample],
    *,
    short_side: int,
    limit_bytes: int,
    apply_orientation: bool = True,
    progress: Progress = SILENT,
) -> PictureCache:
    """Decode every picture once, so that bad ones are known before training, and keep what fits.

    Args:
        dataset: Its ``bad_pictures`` policy decides between leaving a picture out and `PictureError`.
        samples: What to decode, usually train.
        short_side: Larger pictures are reduced to this short side, antialiased, in pixels; smaller ones stay.
        limit_bytes: Memory for kept pictures; the rest is decoded at each use.
        apply_orientation: Turn pictures as their EXIF tag asks.
        progress: Told of each picture.

    Raises:
        DataError: None of the pictures can be decoded.
        PictureError: One cannot, and the policy is ``error``.
    """

    def read(sample: Sample) -> tuple[NDArray[np.uint8], Sample] | PictureError:
        try:
            return _reduced(dataset, sample, short_side, apply_orientation)
        except PictureError as error:
            if dataset.bad_pictures == "error":
                raise
            return error

    good: list[Sample] = []
    kept: list[NDArray[np.uint8] | None] = []
    problems: list[Problem] = []
    used_bytes = 0
    with (
        ThreadPoolExecutor(share_of_threads()) as pool,
        progress.stage("reading pictures", len(samples), "pictures") as stage,
    ):
        for start in range(0, len(samples), 256):
            part = samples[start : start + 256]
            for sample, item in zip(part, pool.map(read, part), strict=True):
                stage.advance()
                if isinstance(item, PictureError):
                    problems.append(item.as_problem(sample.name))
                    continue
                pixels, upright = item
                fits = used_bytes + pixels.nbytes <= limit_bytes
                used_bytes += pixels.nbytes if fits else 0
                good.append(upright)
                kept.append(pixels if fits else None)
    if not good:
        raise DataError(
            f"none of the {len(samples)} pictures in {dataset.source.location} can be decoded: {_first(problems)}"
        )
    return PictureCache(
        dataset, good, kept, short_side=short_side, apply_orientation=apply_orientation, problems=problems
    )


def _reduced(
    dataset: Dataset, sample: Sample, short_side: int, apply_orientation: bool
) -> tuple[NDArray[np.uint8], Sample]:
    """Pixels, and the sample with boxes of the upright picture."""
    image, sample, mask = load_sample(dataset, sample, apply_orientation=apply_orientation)
    if min(image.size) > short_side:
        image = resize_short_side(image, short_side)
    pixels = np.array(image, dtype=np.uint8)
    if mask is not None:
        pixels = np.dstack([pixels, resize_mask(mask, image.height, image.width)])
    return pixels, sample


def _first(problems: Sequence[Problem]) -> str:
    return f"{problems[0].file}: {problems[0].detail}" if problems else "there are no samples"
