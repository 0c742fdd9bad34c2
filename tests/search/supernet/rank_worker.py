"""One of several processes that train shared weights together: ``python -m tests.search.supernet.rank_worker``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy

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


def main(kind: str, out: Path) -> None:
    torch.set_num_threads(1)
    fabric = Fabric(accelerator="cpu", devices=2, strategy=DDPStrategy(process_group_backend="gloo"))
    fabric.launch()
    rank = fabric.global_rank
    family = Family(tiny_space())
    start = lively(family.spec, seed=rank)  # what the ranks begin with must not matter
    net: Any = {
        "sandwich": lambda: SandwichNet(family, start, Draw(family)),
        "oneshot": lambda: OneShotNet(family, start, Draw(family), warmup_share=1.0, seed=0),
    }[kind]()
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
    torch.save(dict(net.named_parameters()), out / f"weights{rank}.pt")
    (out / f"rank{rank}.json").write_text(json.dumps({"points": points, "losses": losses}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
