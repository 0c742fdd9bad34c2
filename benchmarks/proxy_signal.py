"""What a short training's figures tell: do accuracy and log loss agree with those of another training of the same net?

    python benchmarks/proxy_signal.py ../shared/data/flowers/flowers.zip --nets 24

Networks are drawn from the space around MobileNetV3-Small, all of nearly as many multiply-adds, as a search near its
budget sees them. Each is trained for a little as a candidate is, with one seed and with another, which decides weights,
order, augmentation and the pictures that are held out. What two such trainings agree on is of the network; the rest
is chance. A training is a row; run again, the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from marked import markdown
from rows import find_rows, read_commit

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.files import append_line, read_lines
from edgesmith.core.seed import generator
from edgesmith.recipes.material import open_material
from edgesmith.recipes.proxy import Probe
from edgesmith.recipes.proxy_wishes import DEFAULT
from edgesmith.recipes.search_space import space_for
from edgesmith.recipes.start import SCRATCH
from edgesmith.search.candidates import resolutions_for
from edgesmith.search.executors.processes import Processes
from edgesmith.search.limited import LimitedSpace

RESULTS: Final = Path(__file__).parent / "results" / "proxy_signal.jsonl"
NET: Final = "mobilenet_v3_small"
SEEDS: Final = (0, 1)
FIGURES: Final = ("accuracy", "log_loss")
# Of the reference's multiply-adds.
_FLOOR: Final = 0.9
_ALMOST: Final = 1 - 1e-12


def main() -> None:
    options = parse_options()
    ends_at = time.monotonic() + 60 * options.minutes
    material = open_material(options.data, seed=0)
    sides = resolutions_for(material.typical_side)
    reference = find(f"{NET}@resolution={options.resolution}").with_num_classes(len(material.dataset.classes))
    space = space_for(NET, [reference], resolutions=sides, num_classes=reference.num_classes)
    points = drawn(space, reference, count=options.nets)
    key = {"set": Path(options.data).stem, "resolution": options.resolution, "wanted_pictures": options.pictures}
    executor = Processes(options.workers)
    try:
        for seed in SEEDS:
            probe = Probe(
                space=space,
                data=str(Path(options.data).absolute()),
                weights="none",
                recipe=SCRATCH,
                settings=(),
                pictures=options.pictures,
                scale=DEFAULT.scale,
                seed=seed,
            )
            left = [number for number in range(len(points)) if not find_rows(options.out, key | named(number, seed))]
            waiting = (points[number] for number in left if time.monotonic() < ends_at)
            for done in executor.run(probe.score, waiting):
                if done.answer is not None:
                    row = key | named(left[done.number], seed) | figures(done.answer) | {"commit": read_commit()}
                    append_line(options.out, json.dumps(row))
    finally:
        executor.close()
    print("\n".join(table(read_lines(options.out))))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Say what of a short training's figures is the network's.")
    parser.add_argument("data", help="as DATA of the command line")
    parser.add_argument("--nets", type=int, default=24)
    parser.add_argument("--pictures", type=int, default=6400, help="of each training")
    parser.add_argument("--resolution", type=int, default=128, help="of the V3-Small whose multiply-adds are the limit")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=20, help="of this call")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def drawn(space: StagedSpace, reference: NetSpec, *, count: int) -> list[Encoding]:
    """Points of nearly as many multiply-adds as a network of the space, each once."""
    most = count_total(reference).madds

    def allowed(point: Encoding) -> bool:
        return _FLOOR * most <= count_total(space.decode(point)).madds <= most

    limited, rng = LimitedSpace(space, allowed, origin=space.encode(reference)), generator(0, "signal")
    found: dict[Encoding, None] = {}
    while len(found) < count:
        found[limited.sample(rng)] = None
    return list(found)


def named(number: int, seed: int) -> dict[str, Any]:
    return {"net": number, "seed": seed}


def figures(answer: Mapping[str, float]) -> dict[str, float]:
    return {"accuracy": answer["accuracy"], "log_loss": answer["log_loss"]}


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line a set and figure: its correlation between two trainings, and with the other training's accuracy."""
    lines = []
    for name in dict.fromkeys(row["set"] for row in rows):
        values = {(row["seed"], row["net"]): row for row in rows if row["set"] == name}
        nets = sorted({net for _, net in values if all((seed, net) in values for seed in SEEDS)})
        if len(nets) > 3:
            for figure in FIGURES:
                ours, theirs = ([values[seed, net][figure] for net in nets] for seed in SEEDS)
                accuracies = [[values[seed, net]["accuracy"] for net in nets] for seed in reversed(SEEDS)]
                sign = 1 if figure == "accuracy" else -1
                across = sign * np.mean(
                    [np.corrcoef(one, other)[0, 1] for one, other in zip((ours, theirs), accuracies, strict=True)]
                )
                same = float(np.corrcoef(ours, theirs)[0, 1])
                lines.append(
                    [
                        name,
                        str(len(nets)),
                        figure.replace("_", " "),
                        with_interval(same, len(nets)),
                        written(float(across)),
                    ]
                )
    head = ["set", "networks", "figure", "agrees with itself, r (95 % interval)", "tells the other's accuracy, r"]
    return markdown(head, lines)


def with_interval(r: float, count: int) -> str:
    """A correlation with its 95 % interval by Fisher's transform."""
    middle, half = math.atanh(min(max(r, -_ALMOST), _ALMOST)), 1.96 / math.sqrt(count - 3)
    low, high = math.tanh(middle - half), math.tanh(middle + half)
    return f"{written(r)} ({written(low)} to {written(high)})"


def written(r: float) -> str:
    return f"{round(r, 2) + 0.0:.2f}"  # zero has no sign


if __name__ == "__main__":
    main()
