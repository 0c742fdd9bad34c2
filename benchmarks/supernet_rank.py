"""Whether a supernet ranks nets as training them alone does, on cifar10-10k; and what its step costs.

    python benchmarks/supernet_rank.py --seconds 600 --nets 12 --pictures 32000

A small space of MobileNetV3 blocks at 32 pixels. The supernet is trained for so many seconds, then so many nets drawn
from the space are each trained from scratch on so many pictures with the same recipe. Both are scored on the test
split, which selects nothing here. A net is a row, so is the supernet, so is the cost of a step; run again, the script
goes on where it stopped. The set lies in ``$EDGESMITH_SHARED/data``, by default ``../shared/data``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from rows import find_rows, read_commit

from edgesmith.arch.cost import count_total
from edgesmith.arch.names import Activation
from edgesmith.arch.space.layers import Gating
from edgesmith.arch.space.parts import Frame, Stage
from edgesmith.arch.space.presets import mobilenet_v3_small_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.files import append_line
from edgesmith.data.augment import AugmentConfig
from edgesmith.devices.blocks.gate import kendall_tau
from edgesmith.engine.config import ScheduleConfig, TrainConfig
from edgesmith.engine.evaluate import eager, evaluate
from edgesmith.engine.plan import plan_run
from edgesmith.engine.step import prepare
from edgesmith.engine.train import train
from edgesmith.nn.build import build
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.models import preprocessing_of
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.rank import compare_ranks, distinct_points
from edgesmith.search.supernet.sandwich import SandwichNet, SandwichTask
from edgesmith.search.supernet.supernet import Judge, Supernet
from edgesmith.search.supernet.train import train_supernet
from edgesmith.tasks.classification import Classification

SIDE: Final = 32
CONFIG: Final = TrainConfig(
    batch_size=64,
    schedule=ScheduleConfig(warmup_pictures=3000),
    ema_decay=0.998,
    norm_momentum=0.1,
    max_grad_norm=1.0,
    augment=AugmentConfig(scale=(0.5, 1.0), flip=0.5),
)
CALIBRATION_PICTURES: Final = 640
TIMED_STEPS: Final = 8


def main() -> None:
    options = parse_options()
    torch.set_num_threads(1)
    material = open_material(options.data, seed=options.seed)
    space = cifar_space(num_classes=len(material.dataset.classes))
    key = {"commit": read_commit(), "seed": options.seed, "seconds": options.seconds, "pictures": options.pictures}
    config = replace(CONFIG, seed=options.seed)
    judge = judge_of(material, space)
    for name, costly in {"cifar_space": space, "mobilenet_v3_small_space": v3_space(space)}.items():
        row = key | {"kind": "cost", "space": name}
        if not find_rows(options.out, row):
            append_line(options.out, json.dumps(row | measure_cost(costly, material, judge, config)))
    supernet = train_supernet(
        space,
        material.loader(None, config, preprocessing_of(Family(space).spec)),
        judge,
        config=config,
        limit_s=options.seconds,
        folder=options.work / f"{key['commit']}-{options.seed}-{options.seconds:g}",
        device="cpu",
    )
    if not find_rows(options.out, key | {"kind": "supernet"}):
        row = {"kind": "supernet", "seen": supernet.pictures, "spent_s": round(supernet.seconds, 1)}
        row |= {"largest": supernet.score(supernet.family.largest)}
        row |= {"smallest": supernet.score(supernet.family.smallest)}
        append_line(options.out, json.dumps(key | row))
    alone = partial(train_alone, material=material, judge=judge, config=replace(config, pictures=options.pictures))
    for point in distinct_points(supernet, options.nets, seed=options.seed):
        net = key | {"kind": "net", "point": list(point)}
        if not find_rows(options.out, net):
            append_line(options.out, json.dumps(net | compare(supernet, point, alone)))
            print(find_rows(options.out, net)[0], flush=True)
    print(describe(space, find_rows(options.out, key)))


def parse_options() -> argparse.Namespace:
    here, shared = Path(__file__).parent, Path(os.environ.get("EDGESMITH_SHARED", "../shared"))
    parser = argparse.ArgumentParser(description="Rank correlation of a supernet with stand-alone training.")
    parser.add_argument("--seconds", type=float, default=600.0, help="training of the supernet")
    parser.add_argument("--nets", type=int, default=12)
    parser.add_argument("--pictures", type=int, default=32000, help="seen by each net that is trained alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=shared / "data/cifar10-10k")
    parser.add_argument("--work", type=Path, default=Path("runs/supernet_rank"))
    parser.add_argument("--out", type=Path, default=here / "results/supernet_rank.jsonl")
    return parser.parse_args()


def cifar_space(*, num_classes: int) -> StagedSpace:
    """Three stages of MobileNetV3 blocks behind a stem that halves the pictures."""
    frame = Frame(
        family="supernet-rank",
        tails=(192,),
        activation=Activation.HARD_SWISH,
        resolutions=(SIDE,),
        num_classes=num_classes,
    )
    common = {"kernel_size": (3, 5), "gating": (Gating.NONE, Gating.EXPANSION)}
    own = {"expansion": (1.0, 2.0, 4.0)}
    rows = ((1, (8, 16, 24), (1, 2)), (2, (16, 24, 40), (1, 2, 3)), (2, (24, 48, 72), (1, 2, 3)))
    stages = [
        Stage(stride=stride, widths=widths, depths=depths, common=common, own=own) for stride, widths, depths in rows
    ]
    return StagedSpace("cifar_space", frame, stages)


def v3_space(space: StagedSpace) -> StagedSpace:
    """MobileNetV3-Small's space for the same classes, at twice the side."""
    return mobilenet_v3_small_space(resolutions=(2 * SIDE,), num_classes=space.frame.num_classes)


def judge_of(material: Material, space: StagedSpace) -> Judge:
    """The test split, and some pictures of train for the norms."""
    rule = preprocessing_of(space.decode((0,) * len(space.choices)))
    train_samples = material.dataset.samples("train")
    some = material.crops(train_samples[:: -(-len(train_samples) // CALIBRATION_PICTURES)], rule)
    scored = material.crops(material.dataset.samples("test"), rule)
    return Judge(
        task=Classification(material.dataset.classes, label_smoothing=CONFIG.label_smoothing),
        held_out=lambda: batches_of(scored),
        calibration=tuple(torch.from_numpy(batch.images) for batch in some.batches(64)),
    )


def compare(supernet: Supernet, point: tuple[int, ...], alone: Callable[[NetSpec], float]) -> dict[str, Any]:
    begun = time.monotonic()
    shared, scored = supernet.score(point), time.monotonic()
    reached = alone(supernet.spec(point))
    cost = count_total(supernet.spec(point))
    row = {"parameters": cost.parameters, "madds": cost.madds, "shared": shared, "alone": reached}
    return row | {"score_s": round(scored - begun, 1), "train_s": round(time.monotonic() - scored, 1)}


def train_alone(spec: NetSpec, *, material: Material, judge: Judge, config: TrainConfig) -> float:
    net = build(spec, seed=config.seed)
    loader = material.loader(None, config, preprocessing_of(spec))
    train(net, judge.task, loader, config, spec=spec.to_json(), resolution=spec.resolution, device="cpu")
    return float(evaluate(eager(net), judge.held_out(), judge.task).metrics["top1"])


def measure_cost(space: StagedSpace, material: Material, judge: Judge, config: TrainConfig) -> dict[str, Any]:
    """CPU milliseconds of a step of the largest net alone and of a sandwich step, turn by turn; the least of each."""
    family = Family(space)
    loader = material.loader(None, config, preprocessing_of(family.spec))
    plan = plan_run(config, loader, resolution=family.spec.resolution)
    plain = prepare(build(family.spec), judge.task, plan, device="cpu")
    shared = prepare(
        SandwichNet(family, build(family.spec), Draw(family)), SandwichTask(judge.task), plan, device="cpu"
    )
    times: dict[str, list[float]] = {"plain_cpu_ms": [], "sandwich_cpu_ms": []}
    for batch, _ in zip(loader.epoch(0), range(TIMED_STEPS), strict=False):
        for name, updater in zip(times, (plain, shared), strict=True):
            begun = time.process_time()
            updater.run(batch, rate=1e-3)
            times[name].append(1000 * (time.process_time() - begun))
    found = {name: round(min(values), 1) for name, values in times.items()}
    return found | {"ratio": round(found["sandwich_cpu_ms"] / found["plain_cpu_ms"], 2)}


def describe(space: StagedSpace, rows: list[dict[str, Any]]) -> str:
    nets = [row for row in rows if row["kind"] == "net"]
    specs = [space.decode(tuple(row["point"])) for row in nets]
    alone = [row["alone"] for row in nets]
    found = compare_ranks(specs, [row["shared"] for row in nets], alone)
    sizes = kendall_tau([row["parameters"] for row in nets], alone)
    madds = kendall_tau([row["madds"] for row in nets], alone)
    text = f"tau {found.tau:.2f} ({found.low:.2f} to {found.high:.2f}) over {len(nets)} nets; of parameters {sizes:.2f}"
    text += f", of multiply-adds {madds:.2f}"
    return text if found.warning is None else f"{text}\n{found.warning}"


if __name__ == "__main__":
    main()
