"""Fronts of accuracy and speed on Accel-NASBench: what ours, Optuna's and pymoo's cover after so many evaluations.

    python benchmarks/accel.py --seeds 5 --out benchmarks/results/accel.jsonl

A ridge regression of the table (accel_table.py) stands for the networks, the same for all. Each of the eight columns of
hardware is a search of its own, for accuracy and that column. The figure is the hypervolume beyond the reference point,
what a tenth of the table's networks are no better than in accuracy and in the column; rows tell its two numbers. 1 is
what all 5,138 networks of the table cover together. One column, strategy and seed is a row; rows that are there are not
run again. The table lies in ``$EDGESMITH_SHARED/data``, by default ``../shared/data``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from accel_table import ACCURACY, HARDWARE, Fitted, accel_choices, goal_of, read_accel
from rows import find_rows, read_commit
from search_peers import PEERS, TWO_GOALS

from edgesmith.arch.space.choices import Encoding
from edgesmith.core.files import append_line
from edgesmith.search.crowd import codes_of
from edgesmith.search.front import hypervolume
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.table import make_strategy

CHECKPOINTS: Final = (200, 400)
STRATEGIES: Final = ("surrogate", *TWO_GOALS)
# Besides, of ours.
OTHERS: Final = ("predicted",)


def main() -> None:
    options = parse_options()
    table = read_accel(options.shared)
    until = time.monotonic() + 60 * options.minutes
    for seed in range(options.first, options.first + options.seeds):
        for column in options.columns.split(","):
            for name in options.strategies.split(";"):
                key = {"column": column, "strategy": name, "seed": seed}
                if find_rows(options.out, key):
                    continue
                if time.monotonic() > until:
                    return
                row = key | {"commit": read_commit()} | run(name, column, table, seed)
                append_line(options.out, json.dumps(row))
                print(json.dumps(row), flush=True)


def parse_options() -> argparse.Namespace:
    shared = Path(os.environ.get("EDGESMITH_SHARED", "../shared"))
    parser = argparse.ArgumentParser(description="Hypervolumes of search strategies on Accel-NASBench.")
    parser.add_argument("--strategies", default=";".join(STRATEGIES), help="names, with semicolons between")
    parser.add_argument("--columns", default=",".join(HARDWARE))
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--shared", type=Path, default=shared)
    parser.add_argument("--out", type=Path, default=Path("accel.jsonl"))
    return parser.parse_args()


def run(name: str, column: str, table: dict[str, Fitted], seed: int) -> dict[str, Any]:
    """Hypervolumes at each checkpoint, as shares of the table's."""
    accuracy, hardware = table[ACCURACY], table[column]

    def goals_of(points: Sequence[Encoding]) -> Any:
        codes = codes_of(points, space)
        return np.column_stack([accuracy.of(codes), goal_of(column, hardware.of(codes))])

    space, begun = accel_choices(), time.process_time()
    if name in PEERS:
        points, _ = PEERS[name](
            name, space, lambda point: goals_of([point])[0].tolist(), goals=2, count=max(CHECKPOINTS), seed=seed
        )
    else:
        strategy = make_strategy(name, space, seed=seed, num_goals=2)
        points = []
        while len(points) < max(CHECKPOINTS):
            (point,) = strategy.ask(1)
            goals = goals_of([point])[0].tolist()
            strategy.tell([Trial(point=point, result=Result(score=goals[0], goals=tuple(goals)))])
            points.append(point)
    reference = (accuracy.worst_tenth, float(goal_of(column, np.array(hardware.worst_tenth))))
    whole = hypervolume(goals_of(hardware.points), reference)
    volumes = {str(count): round(hypervolume(goals_of(points[:count]), reference) / whole, 5) for count in CHECKPOINTS}
    return {
        "volume": volumes,
        "tau": round(hardware.tau, 3),
        "reference": [round(accuracy.worst_tenth, 3), round(hardware.worst_tenth, 4)],
        "seconds": round(time.process_time() - begun, 1),
    }


if __name__ == "__main__":
    main()
