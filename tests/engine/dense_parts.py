"""Detection and segmentation in small: networks with frozen norms, unlike pictures, and answers to be scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgesmith.core.seed import generator
from edgesmith.data.masks import IGNORE
from edgesmith.data.samples import Box
from edgesmith.nn.build import build
from edgesmith.tasks.base import Task
from edgesmith.tasks.detection import Detection
from edgesmith.tasks.segmentation import Segmentation
from tests.engine.sets import ToyBatch
from tests.recipes.task_sets import RESOLUTION, TASKS

NAMES: Final = ("red", "blue")
BATCH: Final = 7
NUM_SCORED: Final = 10
_HEIGHT, _WIDTH = RESOLUTION


class FrozenNorm(nn.BatchNorm2d):
    """A norm that keeps its statistics in training."""

    def train(self, mode: bool = True) -> FrozenNorm:
        del mode
        return super().train(False)


def frozen_net(task: str) -> nn.Module:
    """The task's small network, without dropout, and with a head that has opinions."""
    net = build(TASKS[task].net, seed=0)
    drawn = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.head.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=drawn))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = FrozenNorm
        elif isinstance(module, nn.Dropout):
            module.p = 0.0
    return net


def masks(count: int) -> Tensor:
    """``(N, H, W)``: all of every second picture is of the first class; of the others a little is known, the second."""
    made = torch.zeros(count, _HEIGHT, _WIDTH, dtype=torch.int64)
    made[::2] = 1
    made[::2, 1 + _HEIGHT // 8 :] = IGNORE
    return made


def boxes(count: int) -> Tensor:
    """``(N, 4, 5)``: none in the first picture, up to four in the others, all of unlike size."""
    random = generator(0, "boxes")
    rows = np.zeros((count, 4, 5), dtype=np.float32)
    for picture in range(1, count):
        for place in range(1 + picture % 4):
            corner, size = random.uniform(0, 0.5, 2), random.uniform(0.1, 0.5, 2)
            rows[picture, place] = [random.integers(1, 3), *corner, *(corner + size)]
    return torch.from_numpy(rows)


@dataclass(frozen=True)
class Part:
    """One task.

    Attributes:
        task: Gives the loss and the metric.
        targets: Of so many pictures.
    """

    task: Task
    targets: Callable[[int], Tensor]


PARTS: Final[Mapping[str, Part]] = {
    "segmentation": Part(Segmentation(NAMES), masks),
    "detection": Part(Detection(NAMES), boxes),
}


def dense_batch(task: str, count: int) -> ToyBatch:
    """One whole batch."""
    images = generator(0, "images").normal(size=(count, 3, _HEIGHT, _WIDTH))
    return ToyBatch(images=torch.from_numpy(images).float(), targets=PARTS[task].targets(count))


@dataclass(frozen=True)
class Scored:
    """Pictures whose first value is their number."""

    images: NDArray[np.float32]
    labels: Any


def scored_batches(task: str) -> Iterator[Scored]:
    """Ten pictures in batches of four, with masks of unlike sizes."""
    for start in range(0, NUM_SCORED, 4):
        numbers = np.arange(start, min(start + 4, NUM_SCORED))
        images = np.zeros((len(numbers), 3, 2, 2), dtype=np.float32)
        images[:, 0, 0, 0] = numbers
        yield Scored(images, tuple(_LABELS[task](int(number)) for number in numbers))


def _mask(number: int) -> NDArray[np.uint8]:
    return generator(1, "mask", number).integers(0, len(NAMES), (4 + number, 6), dtype=np.uint8)


def _objects(number: int) -> tuple[Box, ...]:
    random = generator(1, "objects", number)
    corners = random.uniform(0, 0.5, (number % 3, 2))
    return tuple(
        Box(int(random.integers(0, 2)), float(x), float(y), float(x) + 0.3, float(y) + 0.4) for x, y in corners
    )


_LABELS: Final[Mapping[str, Callable[[int], Any]]] = {"segmentation": _mask, "detection": _objects}


def predictor(task: str) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Answers that are nearly right: the truth of each picture, with errors that depend on its number alone."""

    def predict(images: NDArray[np.float32], /) -> NDArray[np.float32]:
        return np.stack([_ANSWERS[task](int(number)) for number in images[:, 0, 0, 0]])

    return predict


def _logits(number: int) -> NDArray[np.float32]:
    """``(classes, 8, 6)``: the mask's upper rows as far as there are any, half of them with noise."""
    truth = np.zeros((8, 6), dtype=np.int64)
    mask = _mask(number)[:8]
    truth[: len(mask)] = mask
    noise = generator(2, "logits", number).normal(size=(len(NAMES), 8, 6))
    return (np.eye(len(NAMES))[truth].transpose(2, 0, 1) + noise).astype(np.float32)


def _found(number: int) -> NDArray[np.float32]:
    """``(3, 4 + 1 + classes)``: the objects a little moved, with their scores, and one that is not there."""
    random = generator(2, "found", number)
    rows = np.zeros((3, 5 + len(NAMES)), dtype=np.float32)
    for place, box in enumerate(_objects(number)):
        rows[place, :4] = np.array([box.left, box.top, box.right, box.bottom]) + random.uniform(-0.03, 0.03, 4)
        rows[place, 5 + box.label] = random.uniform(0.5, 1)
    rows[2, :4], rows[2, 5] = (0.1, 0.1, 0.2, 0.2), random.uniform(0, 0.9)
    return rows


_ANSWERS: Final[Mapping[str, Callable[[int], NDArray[np.float32]]]] = {"segmentation": _logits, "detection": _found}
