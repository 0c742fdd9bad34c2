"""A fit against torchvision's network under its own loop, for as long: boxes and masks, from scratch and from weights.

    python benchmarks/dense_peers.py bccd --start scratch --time 30m --budget 10ms --minutes 90
    python benchmarks/dense_peers.py camvid --start runs/v3-small --time 40m --budget 30ms --minutes 90

Both arms have the same training pictures, the same test pictures and the same wall time; the fit's includes what it
spends on choosing, exporting and measuring. Theirs is trained twice, under torchvision's reference recipe and under the
usual one for small sets, and the better of the two counts. ``--start`` is ``scratch``, or a bundle of MobileNetV3-Small
whose backbone both begin with. A call ends after ``--minutes`` and goes on where it was when it is made again; every
finished arm appends a row.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from arms import run, spread
from marked import markdown
from rows import find_rows, read_commit

from edgesmith.core.files import append_line, read_json, read_lines
from edgesmith.core.units import parse_seconds
from edgesmith.data import dataset as datasets

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results" / "dense_peers.jsonl"
SCRATCH: Final = "scratch"
RECIPES: Final = ("adamw", "reference")
# By task: the module of the peer, and the figure that counts.
PEERS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"detection": ("torchvision_boxes", "map"), "segmentation": ("torchvision_masks", "miou")}
)


def main() -> None:
    options = parse_options()
    ends_at = time.monotonic() + 60 * options.minutes
    task = datasets.open(options.data).task
    start = SCRATCH if options.start == SCRATCH else "imported"
    for seed in range(options.seeds):
        key = {"task": task, "start": start, "seed": seed, "time": options.time}
        work = options.work / f"{task}-{start}-{seed}"
        if not find_rows(options.out, key | {"arm": "edgesmith"}):
            append_line(options.out, json.dumps(key | our_arm(work / "fit", options, seed, ends_at)))
        for recipe in RECIPES:
            if not find_rows(options.out, key | {"arm": recipe}):
                append_line(
                    options.out, json.dumps(key | their_arm(work / recipe, task, recipe, options, seed, ends_at))
                )
    print("\n".join(table(read_lines(options.out))))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Set a fit against torchvision's loop, for as long.")
    parser.add_argument("data", help="pictures with boxes or masks, as DATA of the command line")
    parser.add_argument("--start", default=SCRATCH, help="scratch, or a bundle of MobileNetV3-Small")
    parser.add_argument("--time", default="30m", help="of an arm")
    parser.add_argument("--budget", default="10ms", help="of the fit")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=20, help="of this call")
    parser.add_argument("--work", type=Path, default=Path("runs/dense-peers"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def our_arm(out: Path, options: argparse.Namespace, seed: int, ends_at: float) -> dict[str, Any]:
    """The command that docs name."""
    weights = "none" if options.start == SCRATCH else options.start
    wanted = ["--budget", options.budget, "--time", options.time, "--weights", weights, "--seed", str(seed)]
    run(["fit", options.data, *wanted, "--out", str(out)], out, ends_at)
    result = read_json(out / "result.json")
    figures = ("map", "map_50", "miou")
    return {
        "arm": "edgesmith",
        "commit": read_commit(),
        **{name: result["metrics"][name] for name in figures if name in result["metrics"]},
        "met": result["met"],
        "ms": result["latency"][0]["ms"],
        "seconds": result["actual_s"],
        "name": result["spec"]["name"],
    }


def their_arm(
    out: Path, task: str, recipe: str, options: argparse.Namespace, seed: int, ends_at: float
) -> dict[str, Any]:
    """Torchvision's network, in a process of its own; a run that is cut short begins anew."""
    if not (out / "result.json").is_file():
        minutes = parse_seconds(options.time) / 60
        if time.monotonic() + 60 * minutes > ends_at:
            sys.exit("what is left of this call is too short for an arm of theirs; run it again")
        words = [options.data, "--minutes", str(minutes), "--recipe", recipe, "--seed", str(seed), "--out", str(out)]
        if options.start != SCRATCH:
            words += ["--backbone", options.start]
        out.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
        subprocess.run([sys.executable, "-m", f"peers.{PEERS[task][0]}", *words], check=True, env=env)
    return {"arm": recipe, "commit": read_commit(), **read_json(out / "result.json")}


def table(rows: list[dict[str, Any]]) -> list[str]:
    """A line a task and start: the fit, the better of their recipes, and how far apart they are."""
    lines = []
    for task, start in dict.fromkeys((row["task"], row["start"]) for row in rows):
        figure = PEERS[task][1]
        mine = [row for row in rows if (row["task"], row["start"]) == (task, start)]
        score = {(row["arm"], row["seed"]): 100 * row[figure] for row in mine}
        seeds = sorted(
            {row["seed"] for row in mine if all((arm, row["seed"]) in score for arm in ("edgesmith", *RECIPES))}
        )
        if seeds:
            ours = [score["edgesmith", seed] for seed in seeds]
            best = max(RECIPES, key=lambda recipe: np.mean([score[recipe, seed] for seed in seeds]))
            theirs = [score[best, seed] for seed in seeds]
            apart = [one - other for one, other in zip(ours, theirs, strict=True)]
            cells = [f"{np.mean(ours):.1f} %", f"{np.mean(theirs):.1f} % ({best})", spread(apart)]
            lines.append([task, start, str(len(seeds)), figure, *cells])
    return markdown(["task", "start", "seeds", "figure", "edgesmith", "torchvision", "points apart, 95 %"], lines)


if __name__ == "__main__":
    main()
