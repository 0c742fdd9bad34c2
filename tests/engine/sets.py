"""A toy set and net that train in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgesmith.core.seed import generator
from edgesmith.engine.config import OptimConfig, ScheduleConfig, TrainConfig
from edgesmith.engine.train import TrainResult, train
from edgesmith.tasks.classification import Classification

CONFIG = TrainConfig(
    pictures=96,
    batch_size=4,
    optim=OptimConfig(learning_rate=0.01),
    schedule=ScheduleConfig(warmup_pictures=16),
    log_every_steps=1,
    checkpoint_every_seconds=1e9,
)
SPEC = {"name": "toy"}


@dataclass(frozen=True)
class ToyBatch:
    """Bright pictures are class 1."""

    images: Tensor
    targets: Tensor


class ToyLoader:
    """Batches of noise whose brightness tells the class; a pure function of epoch and batch."""

    def __init__(self, *, num_images: int = 17, batch_size: int = 4, poisoned: tuple[int, ...] = ()) -> None:
        self.num_images, self.batch_size, self._poisoned = num_images, batch_size, poisoned
        whole, rest = divmod(num_images, batch_size)
        self.num_batches = whole + (rest > 1 or (rest == 1 and whole == 0))

    def epoch(
        self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
    ) -> Iterator[ToyBatch]:
        order = generator(0, "order", epoch).permutation(self.num_images)
        for batch in range(start_batch, self.num_batches):
            labels = order[batch * self.batch_size : (batch + 1) * self.batch_size] % 2
            noise = generator(0, epoch, batch).normal(size=(len(labels), 3, height or 8, width or 8))
            images = torch.from_numpy(noise + labels[:, None, None, None] - 0.5).float()
            if epoch * self.num_batches + batch in self._poisoned:
                images = images * float("inf")
            targets = nn.functional.one_hot(torch.from_numpy(labels), 2).float()
            yield ToyBatch(images=images, targets=targets)


@dataclass(frozen=True)
class HeldBatch:
    """Held-out pictures."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def held_out() -> Iterator[HeldBatch]:
    """Forty pictures that no training sees."""
    labels = np.arange(40) % 2
    images = generator(1, "held").normal(size=(40, 3, 8, 8)) + labels[:, None, None, None] - 0.5
    yield HeldBatch(images=images.astype(np.float32), labels=labels)


def toy_net(seed: int = 0) -> nn.Module:
    """Convolution, norm, dropout, classifier."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(8, 2),
        )


def run(config: TrainConfig = CONFIG, *, folder: Path | None = None, **changes: Any) -> TrainResult:
    """Train the toy."""
    return train(
        changes.get("net", toy_net()),
        Classification(("dark", "bright")),
        changes.get("loader", ToyLoader()),
        config,
        spec=changes.get("spec", SPEC),
        resolution=(8, 8),
        folder=folder,
        held_out=changes.get("held_out"),
        device="cpu",
        **{key: changes[key] for key in ("progress",) if key in changes},
    )


class StoppedError(Exception):
    """Ends a run at a chosen step, as a kill would."""


class StoppingLoader(ToyLoader):
    """Gives a number of batches, then raises."""

    def __init__(self, steps: int, *, batch_size: int = 4) -> None:
        super().__init__(batch_size=batch_size)
        self._left = steps

    def epoch(
        self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
    ) -> Iterator[ToyBatch]:
        for batch in super().epoch(epoch, start_batch=start_batch, height=height, width=width):
            if self._left == 0:
                raise StoppedError
            self._left -= 1
            yield batch


def resumed(config: TrainConfig, *, folder: Path, steps: int) -> TrainResult:
    """Stop after some steps, then go on from the last checkpoint with a new net."""
    often = replace(config, checkpoint_every_seconds=1e-9)
    try:
        run(often, folder=folder, loader=StoppingLoader(steps))
    except StoppedError:
        return run(often, folder=folder, net=toy_net(seed=9))
    raise AssertionError("the run was over before it was stopped")


def same_weights(a: TrainResult, b: TrainResult) -> bool:
    """Whether two runs ended with the same bits."""
    return all(torch.equal(a.weights[name], b.weights[name]) for name in a.weights)
