"""Whole training loops on the same JPEG files: the engine's, and a plain one of torchvision.

Used by ``eager.py``. Both sides run in one process and one thread, draw the same kinds of variation, and train the same
net with AdamW; the plain loop reads an ``ImageFolder`` through a ``DataLoader``, as torchvision's references do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import torch
import torchvision
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from edgesmith.arch.zoo.names import find
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.plan import plan_run
from edgesmith.engine.step import prepare
from edgesmith.nn.build import build
from edgesmith.recipes.material import open_material
from edgesmith.recipes.models import preprocessing_of
from edgesmith.tasks.classification import Classification

CLASSES: Final = ("temple", "flower")
SIDE: Final = 160
STEPS: Final = 4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Work = Callable[[], object]


def write_photographs(folder: Path, *, count: int) -> None:
    """``count`` crops of the two photographs that come with scikit-learn, as JPEG files, a folder a class."""
    for name, pixels in zip(CLASSES, load_sample_images().images, strict=True):
        picture = Image.fromarray(pixels)
        for split, number in (("train", count // 2), ("val", 4)):
            (folder / split / name).mkdir(parents=True)
            for index in range(number):
                left, top = 7 * index % (picture.width - SIDE), 11 * index % (picture.height - SIDE)
                crop = picture.crop((left, top, left + SIDE, top + SIDE))
                crop.save(folder / split / name / f"{index:04d}.jpg", quality=90)


def ours(model: str, folder: Path, *, batch_size: int, side: int) -> Work:
    """Some steps of the engine with its loader."""
    material = open_material(folder, seed=0)
    config = TrainConfig(batch_size=batch_size)
    spec = find(model).with_resolution(side).with_num_classes(len(CLASSES))
    loader = material.loader(None, config, preprocessing_of(spec))
    plan = plan_run(config, loader, resolution=spec.resolution)
    updater = prepare(build(spec), Classification(CLASSES), plan, device="cpu")
    batches = _forever(lambda epoch: loader.epoch(epoch, height=side, width=side))
    return lambda: [updater.run(next(batches), rate=1e-3) for _ in range(STEPS)]


def plain(model: str, folder: Path, *, batch_size: int, side: int, layout: torch.memory_format) -> Work:
    """As many steps of a loop as one would write it with torchvision."""
    steps: Any = [
        v2.RandomResizedCrop(side, scale=(0.35, 1.0), antialias=True),
        v2.RandomHorizontalFlip(),
        v2.ColorJitter(0.3, 0.3, 0.3),
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ]
    pictures = torchvision.datasets.ImageFolder(folder / "train", v2.Compose(steps))
    loader: Any = DataLoader(pictures, batch_size, shuffle=True, drop_last=True)
    net = torchvision.models.get_model(model, weights=None, num_classes=len(CLASSES)).train().to(memory_format=layout)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    batches = _forever(lambda _: iter(loader))

    def run() -> None:
        for images, targets in islice(batches, STEPS):
            optimizer.zero_grad()
            answers = net(images.contiguous(memory_format=layout))
            torch.autograd.backward(nn.functional.cross_entropy(answers, targets, label_smoothing=0.1))
            optimizer.step()

    return run


def _forever(epoch: Callable[[int], Iterator[Any]]) -> Iterator[Any]:
    number = 0
    while True:
        yield from epoch(number)
        number += 1
