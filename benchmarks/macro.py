"""Search strategies on NAS-Bench-Macro: regret of what they hand over after so many evaluations.

    python benchmarks/macro.py --seeds 200 --out macro.jsonl

6,561 networks, each trained three times by the table's authors. An evaluation is one of the three accuracies, drawn by
the seed; what a strategy hands over is a network that it evaluated; regret is how far that network's mean accuracy is
below the best one's, in points. Optuna's samplers see the same spaces as the others. One strategy and seed is a row;
run again, the script goes on where it stopped. The table lies in ``$EDGESMITH_SHARED/data``, by default
``../shared/data``.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from rows import find_rows, read_commit

from edgesmith.arch.space.choices import Choice, Space
from edgesmith.core.files import append_line
from edgesmith.core.seed import generator
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.table import STRATEGIES, make_strategy

CHECKPOINTS: Final = (50, 100, 200)
LAYERS: Final = 8


def main() -> None:
    options = parse_options()
    table = json.loads(options.table.read_text())
    best = max(entry["mean_acc"] for entry in table.values())
    for name in options.strategies.split(","):
        key = {"commit": read_commit(), "strategy": name}
        for seed in range(options.seeds):
            if not find_rows(options.out, key | {"seed": seed}):
                append_line(options.out, json.dumps(key | {"seed": seed} | run(name, table, best, seed)))
        print(describe(name, find_rows(options.out, key)), flush=True)


def parse_options() -> argparse.Namespace:
    shared = Path(os.environ.get("EDGESMITH_SHARED", "../shared"))
    parser = argparse.ArgumentParser(description="Regret of search strategies on NAS-Bench-Macro.")
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--table", type=Path, default=shared / "data/nas-bench-macro/nas-bench-macro_cifar10.json")
    parser.add_argument("--out", type=Path, default=Path("macro.jsonl"))
    return parser.parse_args()


def run(name: str, table: dict[str, Any], best: float, seed: int) -> dict[str, Any]:
    space = Space([Choice(name=f"layer{index + 1}", options=(0, 1, 2)) for index in range(LAYERS)])
    strategy, rng = make_strategy(name, space, seed=seed), generator(seed, "readings")
    regrets = {}
    for count in range(1, max(CHECKPOINTS) + 1):
        (point,) = strategy.ask(1)
        entry = table["".join(map(str, point))]
        strategy.tell([Trial(point=point, result=Result(score=float(rng.choice(entry["test_acc"]))))])
        if count in CHECKPOINTS:
            regrets[str(count)] = best - table["".join(map(str, strategy.best().point))]["mean_acc"]
    return {"regret": regrets}


def describe(name: str, rows: list[dict[str, Any]]) -> str:
    parts = []
    for count in map(str, CHECKPOINTS):
        values = np.array([row["regret"][count] for row in rows])
        half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
        parts.append(f"{values.mean():.3f} +- {half:.3f}")
    return f"{name:12} regret after {'/'.join(map(str, CHECKPOINTS))}: {' / '.join(parts)} ({len(rows)} seeds)"


if __name__ == "__main__":
    main()
