"""One of several processes that train shared weights together: ``python -m tests.search.supernet.rank_worker``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies.ddp import DDPStrategy

from edgesmith.engine.optim import build_optimizer
from edgesmith.engine.plan import plan_run
from edgesmith.engine.state import TrainState
from edgesmith.engine.step import Updater
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.oneshot_net import OneShotNet
from edgesmith.search.supernet.sandwich import SandwichNet, SandwichTask
from tests.search.supernet.nets import CONFIG, TASK, lively, tiny_space, toy_loader

STEPS = 3


def main(out: Path) -> None:
    torch.set_num_threads(1)
    fabric = Fabric(accelerator="cpu", devices=2, strategy=DDPStrategy(process_group_backend="gloo"))
    fabric.launch()
    for kind in ("sandwich", "oneshot"):
        points, losses, weights = train(kind, fabric)
        torch.save(weights, out / f"{kind}{fabric.global_rank}.pt")
        (out / f"{kind}{fabric.global_rank}.json").write_text(json.dumps({"points": points, "losses": losses}))


def train(kind: str, fabric: Fabric) -> tuple[list[Any], list[float], dict[str, torch.Tensor]]:
    """Three steps, each rank on pictures of its own."""
    rank, family = fabric.global_rank, Family(tiny_space())
    start = lively(family.spec, seed=rank)  # what the ranks begin with must not matter
    net: Any = SandwichNet(family, start, Draw(family))
    if kind == "oneshot":
        net = OneShotNet(family, start, Draw(family), warmup_share=0.0, seed=0)
    loader = toy_loader()
    plan = plan_run(CONFIG, loader, resolution=family.spec.resolution)
    state = TrainState(net=net, optimizer=build_optimizer(net, CONFIG.optim), average=None)
    updater = Updater(state, fabric=fabric, task=SandwichTask(TASK), plan=plan, lone_norms=())
    points, losses = [], []
    for step, batch in zip(range(STEPS), loader.epoch(rank, height=32, width=32), strict=False):
        loss = updater.run(batch, rate=plan.rate_at(step))
        assert loss is not None
        losses.append(float(loss))
        points.append(net.points if kind == "sandwich" else (net.point,))
    return points, losses, dict(net.named_parameters())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
