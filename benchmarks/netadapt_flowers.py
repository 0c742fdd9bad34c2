"""NetAdapt against a width multiplier: the same imported weights, the same latency, as many pictures seen.

    python benchmarks/netadapt_flowers.py v3-small_224_1.0_uint8.tflite flowers.zip --labels imagenet_labels_1001.txt

One arm narrows MobileNetV3-Small step by step to a share of its latency. The other takes the width of the same net
whose file, measured beside the first arm's, is nearest to it, begins with the channels of largest norm, and is trained
on as many pictures as the first arm has seen in all, those of refused proposals included. A call ends after
``--minutes`` and goes on where it was when it is made again; every finished arm appends a row.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, Final

from arms import figures, nearest_width, run
from rows import find_rows, read_commit

from edgesmith.core.files import append_line, read_json, read_lines
from edgesmith.recipes.imports import import_weights
from edgesmith.recipes.measure import measure_models
from edgesmith.recipes.models import resolve

RESULTS: Final = Path(__file__).parent / "results" / "netadapt_flowers.jsonl"
WIDTHS: Final = tuple(round(0.05 * count, 2) for count in range(10, 20))


def main() -> None:
    options = parse_options()
    ends_at = time.monotonic() + 60 * options.minutes
    bundle = options.work / "imported"
    if not (bundle / "bundle.json").is_file():
        import_weights(str(options.weights), out=bundle, labels=options.labels)
    for seed in range(options.seeds):
        key = {"seed": seed, "budget": options.budget, "effort": options.effort, "resolution": options.resolution}
        narrowed = options.work / f"netadapt-{options.budget}-{options.effort}-{seed}"
        if not find_rows(options.out, key | {"arm": "netadapt"}):
            run(adapt_command(bundle, narrowed, options, seed), narrowed, ends_at)
            append_line(options.out, json.dumps(key | {"arm": "netadapt", "commit": read_commit()} | told(narrowed)))
        first = find_rows(options.out, key | {"arm": "netadapt"})[-1]
        print(describe(first), flush=True)
        if not find_rows(options.out, key | {"arm": "width"}):
            append_line(options.out, json.dumps(key | scaled_arm(bundle, narrowed, first, options, seed, ends_at)))
        print(describe(find_rows(options.out, key | {"arm": "width"})[-1]), flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Set NetAdapt against a width multiplier on flowers.")
    parser.add_argument("weights", type=Path, help="Google's MobileNetV3-Small as a LiteRT file")
    parser.add_argument("data", help="the flowers, as DATA of the command line")
    parser.add_argument("--labels", type=Path, required=True, help="names of the file's classes")
    parser.add_argument("--budget", default="0.8x")
    parser.add_argument("--effort", default="quick")
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20, help="of this call")
    parser.add_argument("--work", type=Path, default=Path("runs/netadapt-flowers"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def adapt_command(bundle: Path, out: Path, options: argparse.Namespace, seed: int) -> list[str]:
    """The command that docs name."""
    wanted = ["--budget", options.budget, "--effort", options.effort, "--resolution", str(options.resolution)]
    return [
        *("netadapt", str(bundle), options.data, *wanted),
        *("--workers", str(options.workers), "--seed", str(seed), "--out", str(out)),
    ]


def told(out: Path) -> dict[str, Any]:
    """What a finished run of ``netadapt`` says of itself."""
    result, rows = read_json(out / "result.json"), read_lines(out / "proposals.jsonl")
    stages = {name: read_json(out / "stages" / f"{name}.json")["result"] for name in ("plan", "pictures")}
    accepted = [row for row in rows if row["accepted"]]
    trials = sum(row["pictures"] for row in rows)
    return figures(result["metrics"]) | {
        "ms": result["latency"][0]["ms"],
        "ratio_to_seed": result["latency"][0]["ratio_to_seed"],
        "ratio_low": result["latency"][0]["ratio_low"],
        "ratio_high": result["latency"][0]["ratio_high"],
        "met": result["met"],
        "forecast_s": result["forecast_s"],
        "seconds": result["actual_s"],
        "pictures": stages["plan"]["tune_pictures"] + trials + stages["pictures"],
        "proposals": len(rows),
        "steps": [f"{row['change']}: {row['channels']} to {row['to_channels']}" for row in accepted],
        "sizes": result["sizes"],
    }


def scaled_arm(
    bundle: Path, narrowed: Path, first: dict[str, Any], options: argparse.Namespace, seed: int, ends_at: float
) -> dict[str, Any]:
    """The nearest width, trained on as many pictures."""
    out = options.work / f"width-{options.budget}-{options.effort}-{seed}"
    nearest = options.work / f"nearest-{options.budget}-{options.effort}-{seed}.json"
    if not nearest.is_file():
        spec = resolve(str(narrowed)).require_spec()
        nearest.write_text(json.dumps(nearest_width(spec, "mobilenet_v3_small", str(options.resolution), WIDTHS)))
    width = json.loads(nearest.read_text())["width"]
    name = f"mobilenet_v3_small@width={width:g},resolution={options.resolution}"
    arguments = [
        *("train", name, options.data, "--weights", str(bundle), "--seed", str(seed), "--out", str(out)),
        *("--set", f"pictures={first['pictures']}"),
    ]
    run(arguments, out, ends_at)
    models = [resolve(str(out)), resolve(str(narrowed)), resolve(str(narrowed / "steps" / "00" / "bundle"))]
    found = measure_models(models, "onnxruntime")
    to_narrowed, to_seed = found.comparisons[:2]
    return figures(read_json(out / "result.json")["metrics"]) | {
        "arm": "width",
        "commit": read_commit(),
        "width": width,
        "ms": found.latency[0].ms,
        "ratio_to_seed": to_seed.ratio,
        "ratio_to_netadapt": to_narrowed.ratio,
        "pictures": first["pictures"],
    }


def describe(row: dict[str, Any]) -> str:
    what = f"width {row['width']:g}" if row["arm"] == "width" else f"netadapt, {len(row['steps'])} steps"
    return (
        f"seed {row['seed']}, {what}: {row['ms']:.3f} ms ({row['ratio_to_seed']:.1%} of the seed), "
        f"top-1 {row['top1']:.2%} ({row['top1_low']:.1%} to {row['top1_high']:.1%}), {row['pictures']} pictures"
    )


if __name__ == "__main__":
    main()
