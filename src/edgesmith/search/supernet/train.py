"""Train a supernet by the engine's one loop, for so many pictures or so much time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.files import read_json, write_json
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import derive
from edgesmith.engine.batches import Loader
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.launch import launch
from edgesmith.engine.speed import measure_speed
from edgesmith.engine.train import train
from edgesmith.nn.build import build
from edgesmith.search.supernet.drawing import Allowed, Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.growing import grow, place_of
from edgesmith.search.supernet.sandwich import RANDOM_NETS, SandwichNet, SandwichTask
from edgesmith.search.supernet.supernet import Judge, Supernet

CONFIG: Final = TrainConfig(max_grad_norm=1.0)
"""How a supernet is trained where the caller does not say; edgesmith's own, for small sets."""
_TIMED_STEPS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A trained net of the space.

    Attributes:
        spec: The net.
        state: Its weights.
    """

    spec: NetSpec
    state: Mapping[str, Tensor]


def train_supernet(
    space: StagedSpace,
    loader: Loader,
    judge: Judge,
    *,
    config: TrainConfig = CONFIG,
    pictures: int | None = None,
    limit_s: float | None = None,
    origin: Origin | None = None,
    allowed: Allowed | None = None,
    random_nets: int = RANDOM_NETS,
    labels: float = 0.0,
    folder: Path | None = None,
    device: str = "auto",
    progress: Progress = SILENT,
) -> Supernet:
    """Train the weights of a space by the sandwich rule; started again on the same folder it goes on.

    A step trains the largest net, the smallest and ``random_nets`` drawn ones on the same pictures.

    Args:
        space: Its nets share the weights of its largest one.
        loader: Training batches at the largest net's resolution.
        judge: What nets are scored with afterwards; its task gives the loss.
        config: How to train; averaged weights, where it keeps them, are the ones to use.
        pictures: Pictures seen in all; each is seen by all nets of its step. None leaves ``config.pictures``.
        limit_s: Seconds that training is to take; turned into pictures by timing a few steps, once for a folder.
        origin: A trained net of the space to begin from; None begins from scratch.
        allowed: A hard limit, such as a latency: nets for which it is false are neither drawn nor scored. The largest
            net is trained all the same, because the others are parts of it.
        random_nets: Drawn nets a step, 0 or more.
        labels: Share of the labels, beside the largest net's answers, in what the other nets learn from, 0..1.
        folder: Takes events and checkpoints; None keeps the run in memory.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``: where it is trained and where nets are scored.
        progress: Told of the stages.

    Raises:
        UsageError: Both limits are given, or a number of nets or a share of labels that cannot be.
        WeightsError: The space's nets cannot share weights, or the origin is not in the space.
        BudgetError: Not even the smallest net is allowed.
        RunError: The folder is of another run.
    """
    if pictures is not None and limit_s is not None:
        raise UsageError(f"a supernet is trained for pictures or for time; got {pictures} pictures and {limit_s:g} s")
    if random_nets < 0:
        raise UsageError(f"random_nets is 0 or more, got {random_nets}")
    family = Family(space, like=None if origin is None else place_of(space, origin.spec))
    draw = Draw(family, allowed)
    net = build(family.spec, seed=config.seed)
    if origin is not None:
        net.load_state_dict(grow(origin.state, origin.spec, family, seed=config.seed))
    shared = SandwichNet(family, net, draw, random_nets=random_nets, seed=config.seed)
    task = SandwichTask(judge.task, labels=labels)

    def affordable() -> int:
        speed = measure_speed(
            shared, task, loader, config, resolution=family.spec.resolution, steps=_TIMED_STEPS, device=device
        )
        return max(config.batch_size, round(speed * (limit_s or 0.0)))

    if limit_s is not None:
        pictures = remembered(None if folder is None else folder / "supernet.json", affordable)
        progress.note(f"{pictures} pictures are what {limit_s:g} s are worth")
    if pictures is not None:
        config = replace(config, pictures=pictures)
    result = train(
        shared,
        task,
        loader,
        config,
        spec=family.spec.to_json() | {"supernet": describe(family, random_nets, labels)},
        resolution=family.spec.resolution,
        folder=folder,
        held_out=judge.held_out if config.evaluate_every_pictures else None,
        device=device,
        progress=progress,
    )
    return Supernet(
        family, net.to(training_device(device)), judge, draw, pictures=result.pictures, seconds=result.seconds
    )


def describe(family: Family, random_nets: int, labels: float) -> dict[str, object]:
    """What a checkpoint must agree in, beside the largest net."""
    choices = derive(0, *((choice.name, *choice.options) for choice in family.space.choices))
    return {"space": family.space.name, "choices": choices, "random_nets": random_nets, "labels": labels}


def remembered(path: Path | None, find: Callable[[], int]) -> int:
    """A number found once for a folder."""
    if path is not None and path.is_file():
        return int(read_json(path)["pictures"])
    found = find()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"pictures": found})
    return found


def training_device(name: str) -> torch.device:
    """Where a run of that device trains."""
    found: torch.device = launch(device=name, precision="32").device
    return found
