"""A fit with search and NetAdapt against MobileNetV3-Small scaled to the same latency: as much time, as many pictures.

    python benchmarks/search_flowers.py flowers.zip --start scratch --minutes 90

The budget is the latency of a reference, measured first. One arm is ``edgesmith fit --search --adapt`` for ``--time``.
The other is MobileNetV3-Small at the resolution that did best in that fit's own race, at the width whose file takes as
long as the found network's, measured side by side, and trained on as many pictures as the first arm saw in all: those
of candidates that were thrown away included. ``--start`` is ``scratch``, or a bundle of MobileNetV3-Small. A call ends
after ``--minutes`` and goes on where it was when it is made again; every finished arm appends a row.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from arms import figures, nearest_width, run, spread
from marked import markdown
from rows import find_rows, read_commit

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.files import append_line, read_json, read_lines
from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.candidates import Choice
from edgesmith.recipes.measure import measure_models
from edgesmith.recipes.models import resolve

RESULTS: Final = Path(__file__).parent / "results" / "search_flowers.jsonl"
WIDTHS: Final = tuple(round(0.05 * count, 2) for count in range(6, 37))
SCRATCH: Final = "scratch"


def main() -> None:
    options = parse_options()
    ends_at = time.monotonic() + 60 * options.minutes
    start = SCRATCH if options.start == SCRATCH else "imported"
    for seed in range(options.seeds):
        key = {"start": start, "seed": seed, "reference": options.reference, "time": options.time}
        work = options.work / f"{start}-{seed}"
        if not find_rows(options.out, key | {"arm": "search"}):
            append_line(options.out, json.dumps(key | searched_arm(work, options, seed, ends_at)))
        first = find_rows(options.out, key | {"arm": "search"})[-1]
        print(describe(first), flush=True)
        if not find_rows(options.out, key | {"arm": "scaled"}):
            append_line(options.out, json.dumps(key | scaled_arm(work, first, options, seed, ends_at)))
        print(describe(find_rows(options.out, key | {"arm": "scaled"})[-1]), flush=True)
    print("\n".join(table(read_lines(options.out))))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Set a fit with search and NetAdapt against a scaled network.")
    parser.add_argument("data", help="the flowers, as DATA of the command line")
    parser.add_argument("--start", default=SCRATCH, help="scratch, or a bundle of MobileNetV3-Small")
    parser.add_argument("--reference", default="mobilenet_v3_small@resolution=128", help="its latency is the budget")
    parser.add_argument("--time", default="40m", help="of an arm")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=20, help="of this call")
    parser.add_argument("--work", type=Path, default=Path("runs/search-flowers"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def searched_arm(work: Path, options: argparse.Namespace, seed: int, ends_at: float) -> dict[str, Any]:
    """The command that docs name."""
    budget, out = work / "budget.json", work / "search"
    if not budget.is_file():
        budget.parent.mkdir(parents=True, exist_ok=True)
        budget.write_text(json.dumps(measure_models([resolve(options.reference)], "onnxruntime").latency[0].ms))
    budget_ms = float(json.loads(budget.read_text()))
    wanted = ["--budget", f"{budget_ms:.4f}ms", "--time", options.time, "--search", "--adapt", "--no-int8"]
    weights = "none" if options.start == SCRATCH else options.start
    run(["fit", options.data, *wanted, "--weights", weights, "--seed", str(seed), "--out", str(out)], out, ends_at)
    result = read_json(out / "result.json")
    latency = result["latency"][0]
    return figures(result["metrics"]) | {
        "arm": "search",
        "commit": read_commit(),
        "budget_ms": budget_ms,
        "met": result["met"],
        "ms": latency["ms"],
        "low_ms": latency["low_ms"],
        "high_ms": latency["high_ms"],
        "forecast_s": result["forecast_s"],
        "seconds": result["actual_s"],
        "pictures": sum(pictures_of(out).values()),
        "parts": pictures_of(out),
        "candidates": len(result["candidates"]),
        "name": result["spec"]["name"],
        "spec": result["spec"],
    }


def pictures_of(out: Path) -> dict[str, int]:
    """Pictures that a fit trained on, by what for."""
    stages = out / "stages"
    plan = read_json(stages / "search-plan.json")["result"]
    parts = {
        "search": plan["trials"] * plan["pictures"],
        "race": sum(int(read_json(path)["result"]["pictures"]) for path in stages.glob("race-*.json")),
    }
    narrowed = out / "netadapt"
    if not (narrowed / "result.json").is_file():
        return parts | {"training": trained_pictures(out)}
    rows = read_lines(narrowed / "proposals.jsonl")
    tuned = read_json(narrowed / "stages" / "plan.json")["result"]["tune_pictures"]
    return parts | {
        "before netadapt": trained_pictures(out / "wide"),
        "netadapt": tuned + sum(row["pictures"] for row in rows),
        "training": trained_pictures(narrowed),
    }


def trained_pictures(folder: Path) -> int:
    """Pictures of the training that a bundle comes from."""
    return int(open_bundle(folder / "bundle").manifest.provenance["training"]["pictures"])


def scaled_arm(
    work: Path, first: dict[str, Any], options: argparse.Namespace, seed: int, ends_at: float
) -> dict[str, Any]:
    """The nearest width, trained on as many pictures."""
    nearest, out = work / "nearest.json", work / "scaled"
    if not nearest.is_file():
        side = best_side(work / "search")
        found = nearest_width(NetSpec.from_json(first["spec"]), side, WIDTHS)
        nearest.write_text(json.dumps(found | {"resolution": side}))
    chosen = json.loads(nearest.read_text())
    name = f"mobilenet_v3_small@width={chosen['width']:g},resolution={chosen['resolution']}"
    weights = "none" if options.start == SCRATCH else options.start
    wanted = ["--weights", weights, "--seed", str(seed), "--set", f"pictures={first['pictures']}"]
    begun = time.monotonic()
    run(["train", name, options.data, *wanted, "--out", str(out)], out, ends_at)
    seconds = time.monotonic() - begun
    theirs = resolve(read_json(work / "search" / "result.json")["bundle"])
    measured = measure_models([resolve(str(out)), theirs], "onnxruntime")
    latency, against = measured.latency[0], measured.comparisons[0]
    return figures(read_json(out / "result.json")["metrics"]) | {
        "arm": "scaled",
        "commit": read_commit(),
        "name": name,
        "ms": latency.ms,
        "low_ms": latency.low_ms,
        "high_ms": latency.high_ms,
        "ratio_to_search": against.ratio,
        "pictures": first["pictures"],
        "seconds": round(seconds),
    }


def best_side(out: Path) -> int:
    """Resolution of the zoo's MobileNetV3-Small that came furthest in a fit's race."""
    fitting = [each.spec for each in Choice.from_json(read_json(out / "stages" / "choose.json")["result"]).fitting]
    rounds = []
    for spec in fitting:
        if spec.name.startswith("mobilenet_v3_large"):
            continue
        for path in (out / "stages").glob(f"race-*-{model_hash(spec)}.json"):
            rounds.append((path.name, read_json(path)["result"]["score"], spec.resolution[0]))
    return int(max(rounds)[2]) if rounds else int(fitting[0].resolution[0])


def describe(row: dict[str, Any]) -> str:
    return (
        f"{row['start']}, seed {row['seed']}, {row['name']}: {row['ms']:.3f} ms, "
        f"top-1 {row['top1']:.2%} ({row['top1_low']:.1%} to {row['top1_high']:.1%}), {row['pictures']} pictures"
    )


def table(rows: list[dict[str, Any]]) -> list[str]:
    """A line a start: both arms over the seeds that have both, and how far apart they are."""
    lines = []
    for start in dict.fromkeys(row["start"] for row in rows):
        top1 = {(row["arm"], row["seed"]): 100 * row["top1"] for row in rows if row["start"] == start}
        seeds = sorted({seed for _, seed in top1 if ("search", seed) in top1 and ("scaled", seed) in top1})
        if seeds:
            found, scaled = ([top1[arm, seed] for seed in seeds] for arm in ("search", "scaled"))
            apart = [one - other for one, other in zip(found, scaled, strict=True)]
            cells = [f"{np.mean(found):.1f} %", f"{np.mean(scaled):.1f} %", spread(apart)]
            lines.append([start, str(len(seeds)), *cells])
    return markdown(["start", "seeds", "search and NetAdapt", "scaled", "points apart, 95 % interval"], lines)


if __name__ == "__main__":
    main()
