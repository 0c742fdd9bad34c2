"""How long it takes to look at 100,000 distinct networks with a block table and an accuracy predictor, on one core.

    python benchmarks/search_speed.py --out benchmarks/results/search_speed.jsonl

The predictor is fitted to 200 networks. The table knows every piece of the space at one resolution; how long each takes
is made up, a nanosecond for a thousand multiply-adds: how long a prediction takes does not depend on that. Filling the
table is not counted; pieces that it still lacks would be, and the row tells how many there were.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from rows import read_commit

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.presets import find_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.files import append_line
from edgesmith.core.seed import generator
from edgesmith.devices.blocks.calibrate import UNCALIBRATED
from edgesmith.devices.blocks.sandwich import Piece
from edgesmith.devices.blocks.table import BlockTable
from edgesmith.search.crowd import points_of, sample
from edgesmith.search.predicted import propose_predicted
from edgesmith.search.strategies.base import Result, Trial


def main() -> None:
    options = parse_options()
    row = {"commit": read_commit()} | run(options.space, options.candidates, options.seed)
    append_line(options.out, json.dumps(row))
    print(json.dumps(row))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time a search of predictions.")
    parser.add_argument("--space", default="mobilenet_v3_small")
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("search_speed.jsonl"))
    return parser.parse_args()


def run(name: str, candidates: int, seed: int) -> dict[str, Any]:
    """Seconds of the wall and of the processor for one search."""
    space = find_space(name, resolutions=(224,))
    learnt: list[int] = []
    table = made_up_table(learnt)
    table.learn([space.decode(point) for point in covering(space)])
    specs = {point: space.decode(point) for point in points_of(sample(space, 200, generator(seed, "history")))}
    history = [
        Trial(point=point, result=Result(score=0.1 * float(np.log10(count_total(spec).madds))))
        for point, spec in specs.items()
    ]
    limit_ms = float(np.median([table.predict(spec).ms for spec in specs.values()]))

    def latencies(specs: Sequence[NetSpec]) -> list[float]:
        return [table.predict(spec).ms for spec in specs]

    learnt.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    found = propose_predicted(space, history, latencies, limit_ms=limit_ms, count=20, seed=seed, candidates=candidates)
    return {
        "space": name,
        "candidates": found.num_candidates,
        "wall_s": round(time.perf_counter() - wall, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "best_ms": round(found.best[0].latency_ms, 3),
        "limit_ms": round(limit_ms, 3),
        "learnt": sum(learnt),
    }


def made_up_table(learnt: list[int]) -> BlockTable:
    """A table that is told any piece it asks for; how many each time goes into ``learnt``."""
    levels_ms: dict[str, float] = {}

    def learn(pieces: Sequence[Piece]) -> dict[str, float]:
        learnt.append(len(pieces))
        nets = [net for piece in pieces for net in (piece.net, piece.base) if net is not None]
        levels_ms.update({model_hash(net): 1e-6 * count_total(net).madds for net in nets})
        return levels_ms

    return BlockTable(levels_ms, UNCALIBRATED, learn=learn)


def covering(space: StagedSpace) -> Iterator[Encoding]:
    """Points that hold every piece of a space at one resolution: a stage's options behind each width before it.

    The first stage stands behind each stem, and each tail behind each width of the last stage.
    """
    deepest = [len(choice.options) - 1 if choice.name.endswith("depth") else 0 for choice in space.choices]
    places = {choice.name: place for place, choice in enumerate(space.choices)}
    for number, stage in enumerate(space.stages, 1):
        groups = [[places[f"stage{number}.{name}"]] for name in ("width", *stage.common)]
        groups += [
            [places[f"stage{number}.layer{layer + 1}.{name}"] for layer in range(max(stage.depths))]
            for name in stage.own
        ]
        yield from _every(space, deepest, [*groups, [places[f"stage{number - 1}.width" if number > 1 else "stem"]]])
    yield from _every(space, deepest, [[places[f"stage{len(space.stages)}.width"]], [places["tail"]]])


def _every(space: StagedSpace, base: Sequence[int], groups: Sequence[Sequence[int]]) -> Iterator[Encoding]:
    """A point with every combination of options; the places of a group share theirs."""
    for options in product(*(range(len(space.choices[group[0]].options)) for group in groups)):
        point = list(base)
        for group, option in zip(groups, options, strict=True):
            for place in group:
                point[place] = option
        yield tuple(point)


if __name__ == "__main__":
    main()
