"""A tiny space at 32 pixels, noise whose brightness tells the class, and a supernet of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgesmith.arch.names import Activation
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.layers import Gating, Layer
from edgesmith.arch.space.parts import Frame, Stage
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.core.seed import generator
from edgesmith.engine.config import OptimConfig, ScheduleConfig, TrainConfig
from edgesmith.nn.build import Net, build
from edgesmith.search.supernet.supernet import Judge, Supernet
from edgesmith.search.supernet.train import train_supernet
from edgesmith.tasks.classification import Classification
from tests.engine.sets import HeldBatch, ToyLoader

CONFIG = TrainConfig(
    pictures=48,
    batch_size=8,
    optim=OptimConfig(learning_rate=0.005),
    schedule=ScheduleConfig(warmup_pictures=16),
    ema_decay=None,
    log_every_steps=1,
    checkpoint_every_seconds=1e9,
)
TASK = Classification(("dark", "bright"))


def tiny_space(*, resolutions: tuple[int, ...] = (32,)) -> StagedSpace:
    """Two stages with every elastic choice: width, depth, kernel, expansion, gate, activation."""
    frame = Frame(
        family="tiny",
        stems=(8,),
        tails=(32,),
        features=(24,),
        activation=Activation.HARD_SWISH,
        resolutions=resolutions,
        num_classes=2,
    )
    common = {"kernel_size": (3, 5), "gating": (Gating.NONE, Gating.EXPANSION)}
    own = {"expansion": (1.0, 2.0, 3.0)}
    first = Stage(stride=2, widths=(8, 16), depths=(1, 2), common=common, own=own)
    activations = {"activation": (Activation.RELU, Activation.HARD_SWISH)}
    second = Stage(stride=2, widths=(16, 24), depths=(1, 2, 3), layer=Layer(), common=common | activations, own=own)
    return StagedSpace("tiny_space", frame, [first, second])


def toy_loader() -> ToyLoader:
    return ToyLoader(num_images=24, batch_size=8)


def held_out() -> list[HeldBatch]:
    labels = np.arange(40) % 2
    images = generator(1, "held").normal(size=(40, 3, 32, 32)) + labels[:, None, None, None] - 0.5
    return [HeldBatch(images=images.astype(np.float32), labels=labels)]


def judge() -> Judge:
    images = torch.from_numpy(generator(2, "train").normal(size=(3, 16, 3, 32, 32))).float()
    return Judge(task=TASK, held_out=held_out, calibration=tuple(images))


def trained(
    space: StagedSpace | None = None, *, config: TrainConfig = CONFIG, folder: Path | None = None, **changes: Any
) -> Supernet:
    """A supernet after six steps."""
    return train_supernet(
        tiny_space() if space is None else space,
        changes.pop("loader", toy_loader()),
        judge(),
        config=replace(config),
        folder=folder,
        device="cpu",
        **changes,
    )


def lively(spec: Any, *, seed: int = 0) -> Net:
    """A built net whose norms have statistics and scales of their own, so that each tensor matters."""
    net = build(spec, seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, tensor in net.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("running_mean", "norm.bias")):
                tensor.normal_(0, 0.2)
            elif name.endswith("norm.weight"):
                tensor.uniform_(0.5, 1.5)
            elif name.startswith("head.") and tensor.ndim == 2:
                tensor.mul_(30)  # begins at 0.01
    return net.eval()


def points(space: StagedSpace, count: int, *, seed: int = 0) -> list[Encoding]:
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def noise(count: int = 4, side: int = 32, *, seed: int = 5) -> torch.Tensor:
    images = torch.from_numpy(generator(seed, "noise").normal(size=(count, 3, side, side))).float()
    return images.contiguous(memory_format=torch.channels_last)
