"""How fast the engine's step is on batches that are there already: what no data pipeline can exceed."""

from __future__ import annotations

import time
from typing import Final

import torch

from edgesmith.arch.zoo.names import find
from edgesmith.data.loader import Batch
from edgesmith.engine.plan import Plan
from edgesmith.engine.step import prepare
from edgesmith.nn.build import build
from edgesmith.recipes.training import small
from edgesmith.tasks.classification import Classification

_WARMUP: Final = 10
_STEPS: Final = 100


def steps_per_s(side: int, batch_size: int, classes: int) -> float:
    """Steps of MobileNetV3-Small under the recipe ``small``.

    Args:
        side: Height and width in pixels.
        batch_size: Pictures in a step.
        classes: Of the head.
    """
    spec = find(f"mobilenet_v3_small@resolution={side},classes={classes}")
    plan = Plan(config=small(), resolution=spec.resolution, num_images=batch_size, num_batches=1)
    updater = prepare(build(spec), Classification(tuple(map(str, range(classes)))), plan, device="cpu")
    labels = torch.randint(classes, (batch_size,))
    targets = torch.nn.functional.one_hot(labels, classes).float()
    batch = Batch(images=torch.randn(batch_size, 3, side, side), targets=targets, labels=labels)
    with updater.undisturbed():
        for _ in range(_WARMUP):
            updater.run(batch, rate=1e-3)
        begun = time.monotonic()
        for _ in range(_STEPS):
            updater.run(batch, rate=1e-3)
        return _STEPS / (time.monotonic() - begun)
