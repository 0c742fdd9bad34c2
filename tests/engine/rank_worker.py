"""One of several processes that train together: ``python -m tests.engine.rank_worker OUT``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgesmith.engine.evaluate import eager, evaluate
from edgesmith.engine.plan import plan_run
from edgesmith.engine.step import prepare
from edgesmith.engine.world import find_world
from edgesmith.tasks.classification import Classification
from tests.engine import dense_parts as dense
from tests.engine.sets import CONFIG, ToyBatch, ToyLoader, toy_net
from tests.recipes.task_sets import RESOLUTION

TASK = Classification(("dark", "bright"))
NUM_SCORED = 10


def net_with(norm: str) -> nn.Module:
    """The toy net without dropout, with its norm as it is or frozen."""
    net = toy_net()
    assert isinstance(net, nn.Sequential)
    net[5] = nn.Identity()
    if norm == "frozen":
        assert isinstance(net[1], nn.BatchNorm2d)
        frozen = dense.FrozenNorm(net[1].num_features)
        frozen.running_mean = torch.linspace(-0.2, 0.2, net[1].num_features)
        net[1] = frozen
    return net


def batch(count: int) -> ToyBatch:
    """One whole batch."""
    return next(ToyLoader(num_images=count, batch_size=count).epoch(0))


def share_of(whole: ToyBatch, rank: int, size: int) -> ToyBatch:
    """What one process sees of it."""
    return ToyBatch(images=whole.images[rank::size], targets=whole.targets[rank::size])


@dataclass(frozen=True)
class Scored:
    """Pictures with their classes."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def scored_batches() -> Iterator[Scored]:
    """Ten pictures in batches of four."""
    whole = batch(NUM_SCORED)
    images, labels = whole.images.numpy(), whole.targets.argmax(dim=1).numpy()
    for start in range(0, NUM_SCORED, 4):
        yield Scored(images[start : start + 4], labels[start : start + 4])


def gradients(norm: str, count: int) -> tuple[dict[str, Tensor], float]:
    """Of one step on a batch that all processes share."""
    world, loader = find_world(), ToyLoader(num_images=count, batch_size=count)
    net = net_with(norm)
    plan = plan_run(replace(CONFIG, batch_size=count, max_grad_norm=None), loader, resolution=(8, 8))
    updater = prepare(net, TASK, plan, device="cpu")
    loss = updater.run(share_of(batch(count), world.rank, world.size), rate=0.01)
    assert loss is not None
    return {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}, float(loss)


def dense_gradients(task: str, count: int) -> tuple[dict[str, Tensor], float]:
    """As `gradients`, of a task whose loss is not divided by pictures."""
    world, whole = find_world(), dense.dense_batch(task, count)
    net = dense.frozen_net(task)
    loader = ToyLoader(num_images=count, batch_size=count)
    plan = plan_run(replace(CONFIG, batch_size=count, max_grad_norm=None), loader, resolution=RESOLUTION)
    updater = prepare(net, dense.PARTS[task].task, plan, device="cpu")
    loss = updater.run(share_of(whole, world.rank, world.size), rate=0.01)
    assert loss is not None
    return {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}, float(loss)


def main(out: Path) -> None:
    """Leave gradients, losses and metrics in a folder."""
    torch.set_num_threads(1)
    world, facts = find_world(), dict[str, Any]()
    for norm in ("live", "frozen"):
        for count in (8, 7):
            found, loss = gradients(norm, count)
            torch.save(found, out / f"{norm}-{count}-{world.rank}.pt")
            facts[f"{norm}-{count}"] = loss
    scored = evaluate(eager(toy_net().eval()), scored_batches(), TASK, world=world)
    facts |= {"metrics": scored.metrics, "num_images": scored.num_images}
    for name, part in dense.PARTS.items():
        found, facts[name] = dense_gradients(name, dense.BATCH)
        torch.save(found, out / f"{name}-{world.rank}.pt")
        scored = evaluate(dense.predictor(name), dense.scored_batches(name), part.task, world=world)
        facts[f"{name}-metrics"] = {**scored.metrics, "num_images": scored.num_images}
    (out / f"facts-{world.rank}.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
