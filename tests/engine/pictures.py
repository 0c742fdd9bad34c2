"""Seventeen real picture files through the real loader, and the smallest MobileNetV3, at 32 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.data import dataset as datasets
from edgesmith.data.augment import AugmentConfig
from edgesmith.data.cache import PictureCache, decode_pictures
from edgesmith.data.loader import Batch, TrainLoader
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.train import TrainResult, train
from edgesmith.nn.build import build
from edgesmith.tasks.classification import Classification
from tests.data.builders import write_pictures
from tests.engine.sets import CONFIG, StoppedError

SPEC: NetSpec = find("mobilenet_v3_small@width=0.35,resolution=32,classes=2")
AUGMENT = AugmentConfig(mixup=0.2, erase=0.3)


def read_pictures(folder: Path, *, limit_bytes: int = 10**9) -> PictureCache:
    """Write and decode the pictures."""
    counts = {"train/a": 9, "train/b": 8, "val/a": 1, "val/b": 1}
    data = datasets.open(write_pictures(folder, counts, width=48, height=40))
    return decode_pictures(data, data.samples("train"), short_side=40, limit_bytes=limit_bytes)


class StoppingTrainLoader(TrainLoader):
    """Raises when it is asked for the batch after so many, as a kill in the middle of an epoch would."""

    left: int = 10**9

    def epoch(
        self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
    ) -> Iterator[Batch]:
        for batch in super().epoch(epoch, start_batch=start_batch, height=height, width=width):
            if self.left == 0:
                raise StoppedError
            self.left -= 1
            yield batch


def train_pictures(
    pictures: PictureCache,
    *,
    steps: int,
    workers: int = 0,
    stop_after: int | None = None,
    folder: Path | None = None,
    net_seed: int = 0,
    loader: type[StoppingTrainLoader] = StoppingTrainLoader,
    checkpoint_every_seconds: float = 1e-9,
) -> TrainResult:
    """Train for so many steps of four pictures; ``stop_after`` raises `StoppedError` before the end.

    A checkpoint follows every step, unless the time between them is another.
    """
    config: TrainConfig = replace(
        CONFIG, pictures=4 * steps, workers=workers, augment=AUGMENT, checkpoint_every_seconds=checkpoint_every_seconds
    )
    batches = loader(
        pictures,
        num_classes=2,
        augment=config.augment,
        preprocessing=Preprocessing.for_resolution(32, 32),
        batch_size=config.batch_size,
        seed=config.seed,
        num_workers=workers,
    )
    if stop_after is not None:
        batches.left = stop_after
    return train(
        build(SPEC, seed=net_seed),
        Classification(("a", "b")),
        batches,
        config,
        spec=SPEC.to_json(),
        resolution=SPEC.resolution,
        folder=folder,
        device="cpu",
    )
