"""int8 files of imported weights on each runtime: what they lose, and what they gain.

    python benchmarks/int8.py WEIGHTS.tflite DATA --devices onnxruntime,litert,executorch,openvino --out int8.jsonl

200 pictures of the set calibrate and choose the plan; the others are scored, picture by picture beside the float file
of the same runtime. Every device is a row, once with everything in int8 and once with the plan that `quantize` finds;
run again, the script goes on where it stopped. The names of the calibration pictures stand in each row.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from rows import find_rows, read_commit

from edgesmith.core.files import append_line
from edgesmith.recipes.imports import import_weights
from edgesmith.recipes.models import resolve
from edgesmith.recipes.quantize import CALIBRATION, quantize_model


def main() -> None:
    options = parse_options()
    setting = {"commit": read_commit(), "weights": options.weights.name, "seed": options.seed}
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder:
        bundle = Path(folder) / "bundle"
        import_weights(str(options.weights), out=bundle)
        for device in options.devices.split(","):
            for mixed in (False, True):
                key = setting | {"device": device, "mixed": mixed}
                if not find_rows(options.out, key):
                    append_line(options.out, json.dumps(key | run(bundle, device, options, mixed=mixed)))
                print(describe(find_rows(options.out, key)[-1]), flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Score and time int8 files of imported weights.")
    parser.add_argument("weights", type=Path, help="a file that `edgesmith import` reads")
    parser.add_argument("data", help="pictures with the labels of the weights")
    parser.add_argument("--devices", default="onnxruntime,litert,executorch,openvino")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of calibration pictures")
    parser.add_argument("--out", type=Path, default=Path("int8.jsonl"))
    return parser.parse_args()


def run(bundle: Path, device: str, options: argparse.Namespace, *, mixed: bool) -> dict[str, Any]:
    started = time.monotonic()
    found = quantize_model(
        resolve(str(bundle)),
        options.data,
        device,
        calibration=CALIBRATION,
        mixed=mixed,
        keep_slow=True,
        seed=options.seed,
    )
    (file,) = found["files"]
    return {
        "seconds": round(time.monotonic() - started, 1),
        "calibration": found["calibration"],
        "plan": file["plan"],
        "metrics": file["metrics"],
        "float_ms": file["latency"][0]["ms"],
        "int8_ms": file["latency"][1]["ms"],
        "comparison": file["comparisons"][0],
        "reasons": file["reasons"],
    }


def describe(row: dict[str, Any]) -> str:
    score, plan = row["metrics"], row["plan"]
    kept = ", ".join([*plan["float_kinds"], *plan["float_parts"]]) or "nothing"
    return (
        f"{row['device']:12} {'plan' if row['mixed'] else 'whole':5} float {row['float_ms']:.2f} ms, int8 "
        f"{row['int8_ms']:.2f} ms; top-1 {score['top1_float']:.2%} and {score['top1']:.2%}, loss "
        f"{100 * score['loss']:.2f} points ({100 * score['loss_low']:.2f} to {100 * score['loss_high']:.2f}); "
        f"in float: {kept}; {row['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
