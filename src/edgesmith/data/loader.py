"""Training batches that are a pure function of (seed, epoch, batch), at any number of workers."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

from edgesmith.core.errors import DataError, EdgesmithError, UsageError
from edgesmith.core.seed import derive, generator
from edgesmith.data.augment import Augment, AugmentConfig, build_augment, mix, require_maskable, seeded
from edgesmith.data.cache import PictureCache
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.samples import Sample


@dataclass(frozen=True, kw_only=True)
class Position:
    """The next batch to give: all that a checkpoint needs to store of the loader."""

    epoch: int = 0
    batch: int = 0


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one training step reads.

    Args:
        images: ``(N, 3, H, W)`` float32, normalized, channels last in memory.
        targets: ``(N, C)`` float32 class probabilities: one-hot rows, blended where the batch was mixed; in
            segmentation ``(N, H, W)`` int64 class indices with `edgesmith.data.masks.IGNORE`; in detection
            ``(N, M, 5)`` float32: for each box its class counted from 1 and its corners as shares, 0 for no box.
        labels: ``(N,)`` int64, of the pictures before any blending.
    """

    images: Tensor
    targets: Tensor
    labels: Tensor


@dataclass(frozen=True)
class _Request:
    epoch: int
    batch: int
    height: int
    width: int
    indices: tuple[int, ...]
    turns: tuple[int, ...]  # which of its repeats in the epoch each picture is


class TrainLoader:
    """Shuffled, augmented batches of cached pictures.

    Each epoch has its own order, and each picture in it its own random stream, so that a run that starts again at a
    `Position` sees what the unbroken run saw. A last batch of a single picture is left out where there is another
    batch, because batch normalization cannot learn from it; over the epochs every picture still has its turn. Where
    the augmentation asks for repeats, an epoch shows a part of the pictures, each so many times in a row.

    Args:
        pictures: Decoded pictures.
        num_classes: Width of the targets.
        augment: How much pictures vary.
        preprocessing: Scaling, and the resolution where `epoch` is given none.
        batch_size: Pictures a batch; the last one may be smaller.
        seed: Of the order and of all draws.
        num_workers: Processes that prepare batches; 0 prepares them in this one.
        share: Which of how many shares of each batch to give: ``(0, 1)`` is all of it. A last batch too small for
            everybody to have two pictures is left out.
    """

    def __init__(
        self,
        pictures: PictureCache,
        *,
        num_classes: int,
        augment: AugmentConfig,
        preprocessing: Preprocessing,
        batch_size: int,
        seed: int,
        num_workers: int = 0,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        if batch_size < 1 or num_workers < 0:
            raise UsageError(f"batch size is 1 or more and workers 0 or more, got {batch_size} and {num_workers}")
        if batch_size < share[1]:
            raise UsageError(f"{share[1]} processes cannot share batches of {batch_size} pictures; raise batch_size")
        if not len(pictures):
            raise DataError("there are no pictures to train on")
        if pictures.dataset.task != "classification":
            require_maskable(augment)
        self.num_images = len(pictures)
        self.batch_size = batch_size
        self._seed, self._repeats, self._share = seed, augment.repeats, share
        self._preprocessing = preprocessing
        self._requests: list[_Request] = []
        maker = _BatchMaker(pictures, num_classes, augment, preprocessing, seed, rank=share[0])
        with _without_advice():
            self._loader: DataLoader[Batch | EdgesmithError] = DataLoader(
                maker,
                batch_size=None,
                sampler=_Requests(self._requests),
                num_workers=num_workers,
                persistent_workers=num_workers > 0,
                multiprocessing_context="fork" if num_workers and sys.platform == "linux" else None,
                # Without its own, each epoch would take a number from the stream that dropout draws from.
                generator=torch.Generator(),
            )

    @property
    def num_batches(self) -> int:
        """Batches an epoch."""
        whole, rest = divmod(self.num_images, self.batch_size)
        least = 2 * self._share[1]
        return whole + (rest >= least or (rest >= self._share[1] and whole == 0))

    def epoch(
        self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
    ) -> Iterator[Batch]:
        """The batches of one epoch, from ``start_batch`` on.

        Only one epoch at a time may be read; leaving one early is fine.

        Args:
            epoch: Counted from 0.
            start_batch: First batch to give, counted from 0.
            height: Of the images, in pixels; the preprocessing's where None. May change from epoch to epoch.
            width: Of the images, in pixels.

        Raises:
            PictureError: A picture that is not kept can no longer be read; it comes when its batch is asked for, from
                whichever process.
        """
        self._requests[:] = self._plan(
            epoch, start_batch, height or self._preprocessing.height, width or self._preprocessing.width
        )
        with _without_advice():
            return map(_batch_of, iter(self._loader))

    def after(self, position: Position) -> Position:
        """The position that follows, in the next epoch where this one ends."""
        if position.batch + 1 < self.num_batches:
            return Position(epoch=position.epoch, batch=position.batch + 1)
        return Position(epoch=position.epoch + 1, batch=0)

    def _plan(self, epoch: int, start_batch: int, height: int, width: int) -> list[_Request]:
        order = generator(self._seed, "order", epoch).permutation(self.num_images).tolist()
        size, repeats = self.batch_size, self._repeats
        shown = [(index, turn) for index in order[: -(-self.num_images // repeats)] for turn in range(repeats)]
        requests = []
        for batch in range(start_batch, self.num_batches):
            part = shown[: self.num_images][batch * size : (batch + 1) * size]
            indices, turns = zip(*part[self._share[0] :: self._share[1]], strict=True)
            requests.append(_Request(epoch, batch, height, width, indices, turns))
        return requests


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep torch's remark on machines with fewer cores than workers from the user, who chose their number."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This DataLoader will create", category=UserWarning)
        yield


def _box_rows(sample: Sample) -> Tensor:
    """``(K, 5)``: class counted from 1, corners; crowds are nothing to learn."""
    rows = [(box.label + 1, box.left, box.top, box.right, box.bottom) for box in sample.boxes if not box.crowd]
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 5)


class _Requests:
    """Hands the loader whatever is planned when an epoch begins."""

    def __init__(self, requests: list[_Request]) -> None:
        self._requests = requests

    def __iter__(self) -> Iterator[_Request]:
        return iter(tuple(self._requests))

    def __len__(self) -> int:
        return len(self._requests)


def _batch_of(made: Batch | EdgesmithError) -> Batch:
    if isinstance(made, EdgesmithError):
        raise made
    return made


class _BatchMaker(Dataset[Batch | EdgesmithError]):
    """Makes one batch for a request, in whichever process it is asked."""

    def __init__(
        self,
        pictures: PictureCache,
        num_classes: int,
        config: AugmentConfig,
        preprocessing: Preprocessing,
        seed: int,
        *,
        rank: int,
    ) -> None:
        self._mark = (rank,) if rank else ()
        self._pictures = pictures
        self._labels = torch.tensor([sample.label for sample in pictures.samples])
        self._num_classes = num_classes
        self._has_masks = pictures.dataset.mask_code is not None
        self._boxes = [_box_rows(sample) for sample in pictures.samples] if self._is_detection() else None
        self._config = config
        self._preprocessing = preprocessing
        self._seed = seed
        self._augments: dict[tuple[int, int], Augment] = {}

    def __getitem__(self, request: _Request) -> Batch | EdgesmithError:
        """The batch, or why there is none: raised in a worker, an error would come back as a traceback alone."""
        try:
            return self._make(request)
        except EdgesmithError as error:
            return error

    def _make(self, request: _Request) -> Batch:
        height, width = request.height, request.width
        count = len(request.indices)
        images = torch.empty(count, 3, height, width, memory_format=torch.channels_last)
        masks = torch.empty(count, height, width, dtype=torch.int64) if self._has_masks else None
        boxes: list[Tensor] = []
        augment = self._augment(height, width)
        with seeded(0):
            for slot, (index, turn) in enumerate(zip(request.indices, request.turns, strict=True)):
                stream = (request.epoch, index, turn) if turn else (request.epoch, index)
                # `seeded` would save and restore 5 kB for each picture.
                torch.default_generator.manual_seed(derive(self._seed, "augment", *stream))
                picture = self._picture(index)
                if self._boxes is not None:
                    rows = self._boxes[index]
                    image, corners, kept = augment.with_boxes(picture, rows[:, 1:], rows[:, 0])
                    images[slot].copy_(image)
                    boxes.append(torch.cat([kept[:, None], corners], dim=1))
                elif masks is None:
                    images[slot].copy_(augment(picture))
                else:
                    image, mask = augment.with_mask(picture[:3], picture[3])
                    images[slot].copy_(image)
                    masks[slot].copy_(mask)
        labels = self._labels[list(request.indices)]
        if masks is not None:
            return Batch(images=images, targets=masks, labels=labels)
        if self._boxes is not None:
            return Batch(images=images, targets=pad_sequence(boxes, batch_first=True), labels=labels)
        targets = torch.nn.functional.one_hot(labels, self._num_classes).float()
        mixing = generator(self._seed, "mix", request.epoch, request.batch, *self._mark)
        images, targets = mix(images, targets, config=self._config, generator=mixing)
        return Batch(images=images.contiguous(memory_format=torch.channels_last), targets=targets, labels=labels)

    def _is_detection(self) -> bool:
        return self._pictures.dataset.task == "detection"

    def _picture(self, index: int) -> Tensor:
        return torch.from_numpy(self._pictures.picture(index)).permute(2, 0, 1)

    def _augment(self, height: int, width: int) -> Augment:
        if (height, width) not in self._augments:
            self._augments[height, width] = build_augment(self._config, height, width, self._preprocessing)
        return self._augments[height, width]
