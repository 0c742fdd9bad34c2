"""Search strategies on NAS-Bench-Macro: regret of what they hand over after so many evaluations.

    python benchmarks/macro.py --seeds 200 --out benchmarks/results/macro.jsonl

6,561 networks, each trained three times by the table's authors. An evaluation is one of the three accuracies, drawn by
the seed; what a strategy hands over is a network that it evaluated; regret is how far that network's mean accuracy is
below the best one's, in points. Optuna's samplers and pymoo's algorithms are run by these, over the same choices, and
hand over their best trial. One strategy and 20 seeds is a row; rows that are there are not run again: it goes on where
it stopped. The table lies in ``$EDGESMITH_SHARED/data``, by default ``../shared/data``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from rows import find_rows, read_commit
from search_peers import ONE_GOAL, PEERS

from edgesmith.arch.space.choices import Choice, Encoding, Space
from edgesmith.core.files import append_line
from edgesmith.core.seed import generator
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.table import STRATEGIES, make_strategy

Table: TypeAlias = Mapping[Encoding, Mapping[str, Any]]

CHECKPOINTS: Final = (50, 100, 200)
LAYERS: Final = 8
SLICE: Final = 20
NAMES: Final = (*STRATEGIES, *ONE_GOAL)


def main() -> None:
    options = parse_options()
    table = read_table(options.table)
    until = time.monotonic() + 60 * options.minutes
    for name in options.strategies.split(";"):
        for first in range(options.first, options.first + options.seeds, SLICE):
            key = {"strategy": name, "first_seed": first}
            if find_rows(options.out, key):
                continue
            if time.monotonic() > until:
                return
            append_line(options.out, json.dumps(key | {"commit": read_commit()} | run_slice(name, table, first)))
        print(describe(name, find_rows(options.out, {"strategy": name})), flush=True)


def parse_options() -> argparse.Namespace:
    shared = Path(os.environ.get("EDGESMITH_SHARED", "../shared"))
    parser = argparse.ArgumentParser(description="Regret of search strategies on NAS-Bench-Macro.")
    parser.add_argument("--strategies", default=";".join(NAMES), help="names, with semicolons between")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=20, help="no slice is begun after them")
    parser.add_argument("--table", type=Path, default=shared / "data/nas-bench-macro/nas-bench-macro_cifar10.json")
    parser.add_argument("--out", type=Path, default=Path("macro.jsonl"))
    return parser.parse_args()


def read_table(path: Path) -> Table:
    """The published entries by points of `macro_choices`."""
    return {tuple(map(int, name)): entry for name, entry in json.loads(path.read_text()).items()}


def macro_choices() -> Space:
    """Eight layers, each nothing or one of two blocks."""
    return Space([Choice(name=f"layer{index + 1}", options=(0, 1, 2)) for index in range(LAYERS)])


def run_slice(name: str, table: Table, first: int) -> dict[str, Any]:
    """Regrets of 20 seeds at each checkpoint."""
    begun = time.process_time()
    best = max(entry["mean_acc"] for entry in table.values())
    regrets = [
        [best - table[point]["mean_acc"] for point in handed_over(name, table, seed)]
        for seed in range(first, first + SLICE)
    ]
    columns = zip(CHECKPOINTS, zip(*regrets, strict=True), strict=True)
    return {
        "seconds": round(time.process_time() - begun, 1),
        "regret": {str(count): [round(value, 3) for value in values] for count, values in columns},
    }


def handed_over(name: str, table: Table, seed: int) -> list[Encoding]:
    """The incumbent at each checkpoint."""
    space, readings = macro_choices(), generator(seed, "readings")

    def read(point: Encoding) -> float:
        return float(readings.choice(table[point]["test_acc"]))

    if name in PEERS:
        points, scores = PEERS[name](
            name, space, lambda point: [read(point)], goals=1, count=max(CHECKPOINTS), seed=seed
        )
        return [points[int(np.argmax(scores[:count]))] for count in CHECKPOINTS]
    strategy, found = make_strategy(name, space, seed=seed), []
    for count in range(1, max(CHECKPOINTS) + 1):
        (point,) = strategy.ask(1)
        strategy.tell([Trial(point=point, result=Result(score=read(point)))])
        if count in CHECKPOINTS:
            found.append(strategy.best().point)
    return found


def regret_of(rows: Sequence[Mapping[str, Any]], count: int) -> tuple[float, float, int]:
    """Mean regret after so many evaluations, half its 95 % interval, and the number of seeds."""
    values = np.array([value for row in rows for value in row["regret"][str(count)]])
    return float(values.mean()), float(1.96 * values.std(ddof=1) / np.sqrt(len(values))), len(values)


def describe(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    found = [regret_of(rows, count) for count in CHECKPOINTS]
    shown = " / ".join(f"{mean:.3f} +- {half:.3f}" for mean, half, _ in found)
    return f"{name:28} regret after {'/'.join(map(str, CHECKPOINTS))}: {shown} ({found[0][2]} seeds)"


if __name__ == "__main__":
    main()
