"""Where policies end under each reward on Accel-NASBench: the latency of their mode against the target.

    python benchmarks/controller.py --seeds 20 --out benchmarks/results/controller.jsonl

Accuracy and latency are those of accel_table.py's regressions; the target is the table's median latency. A policy is
asked for 2,000 samples in batches of 20, and then for its mode, the likeliest option of each choice in turn. One
column, strategy, reward and seed is a row; rows that are there are not run again. The absolute reward comes with two
slopes: TuNAS' and the one that ``edgesmith search --reward absolute`` has. The table lies in
``$EDGESMITH_SHARED/data``, by default ``../shared/data``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch
from accel_table import ACCURACY, LATENCIES, Fitted, accel_choices, read_accel
from rows import find_rows, read_commit

from edgesmith.core.files import append_line
from edgesmith.search.crowd import codes_of
from edgesmith.search.objective import EXPONENT_SMALL, SLOPE, SLOPE_PROXY, Reward, Shape
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.controller import PAPER, Controller
from edgesmith.search.strategies.policy import PolicySearch
from edgesmith.search.strategies.reinforce import Reinforce

SAMPLES: Final = 2000
BATCH: Final = 20

POLICIES: Final[Mapping[str, Callable[[int], PolicySearch]]] = MappingProxyType(
    {
        "controller": lambda seed: Controller(accel_choices(), seed=seed),
        "controller, paper": lambda seed: Controller(accel_choices(), seed=seed, ppo=PAPER),
        "reinforce": lambda seed: Reinforce(accel_choices(), seed=seed),
    }
)
REWARDS: Final[Mapping[str, Callable[[float], Reward]]] = MappingProxyType(
    {
        f"absolute, {SLOPE_PROXY:.2f}": lambda target_ms: Reward(target_ms=target_ms, slope=SLOPE_PROXY),
        f"absolute, {SLOPE:.2f}": lambda target_ms: Reward(target_ms=target_ms, slope=SLOPE),
        "soft, w = -0.07": lambda target_ms: Reward(target_ms=target_ms, shape=Shape.SOFT),
        "soft, w = -0.15": lambda target_ms: Reward(target_ms=target_ms, shape=Shape.SOFT, exponent=EXPONENT_SMALL),
        "hard": lambda target_ms: Reward(target_ms=target_ms, shape=Shape.HARD),
    }
)


def main() -> None:
    options = parse_options()
    torch.set_num_threads(1)
    table = read_accel(options.shared)
    until = time.monotonic() + 60 * options.minutes
    for reward in options.rewards.split(";"):
        for seed in range(options.first, options.first + options.seeds):
            for column in options.columns.split(","):
                for name in options.strategies.split(";"):
                    key = {"column": column, "strategy": name, "reward": reward, "seed": seed}
                    if find_rows(options.out, key):
                        continue
                    if time.monotonic() > until:
                        return
                    row = key | {"commit": read_commit()} | run(name, reward, column, table, seed)
                    append_line(options.out, json.dumps(row))
                    print(json.dumps(row), flush=True)


def parse_options() -> argparse.Namespace:
    shared = Path(os.environ.get("EDGESMITH_SHARED", "../shared"))
    parser = argparse.ArgumentParser(description="How far the modes of policies end from the target latency.")
    parser.add_argument("--strategies", default=";".join(POLICIES), help="names, with semicolons between")
    parser.add_argument("--rewards", default=";".join(REWARDS), help="names, with semicolons between")
    parser.add_argument("--columns", default=",".join(LATENCIES))
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=20, help="no run is begun after them")
    parser.add_argument("--shared", type=Path, default=shared)
    parser.add_argument("--out", type=Path, default=Path("controller.jsonl"))
    return parser.parse_args()


def run(name: str, reward: str, column: str, table: dict[str, Fitted], seed: int) -> dict[str, Any]:
    """The mode's distance from the target, relative, and its accuracy."""
    accuracy, latency, space = table[ACCURACY], table[column], accel_choices()
    goal, policy, begun = REWARDS[reward](latency.middle), POLICIES[name](seed), time.process_time()
    for _ in range(SAMPLES // BATCH):
        points = policy.ask(BATCH)
        codes = codes_of(points, space)
        found = zip(points, (accuracy.of(codes) / 100).tolist(), latency.of(codes).tolist(), strict=True)
        policy.tell([Trial(point=point, result=Result(score=goal.of(top1, ms))) for point, top1, ms in found])
    mode = codes_of([policy.mode()], space)
    return {
        "off": round(float(latency.of(mode)[0]) / latency.middle - 1, 4),
        "top1": round(float(accuracy.of(mode)[0]) / 100, 4),
        "seconds": round(time.process_time() - begun, 1),
    }


if __name__ == "__main__":
    main()
