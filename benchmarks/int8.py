"""int8 files of imported weights on each runtime: what they lose, and what they gain.

    python benchmarks/int8.py WEIGHTS.tflite DATA --devices onnxruntime,litert,executorch,openvino --out int8.jsonl

200 pictures of the set calibrate and choose the plan; the others are scored, picture by picture beside the float file
of the same runtime. Every device is a row, once with everything in int8 and once with the plan that `quantize` finds;
run again, the script goes on where it stopped. The names of the calibration pictures stand in each row. Where
everything in int8 loses more than 2 points, another row says what each part and each kind of operator gives back if it
alone stays in float.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final, cast

from rows import find_rows, read_commit, read_instructions

from edgesmith.core.files import append_line
from edgesmith.core.progress import SILENT
from edgesmith.deploy.base import split_kind
from edgesmith.deploy.bundle import load_module, open_bundle
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.quantize.base import Calibration, QuantPlan, Ranges
from edgesmith.deploy.quantize.table import get_quantizer
from edgesmith.deploy.quantize.write import open_quantizer
from edgesmith.nn.build import Net
from edgesmith.recipes.imports import import_weights
from edgesmith.recipes.int8_parts import parts_of
from edgesmith.recipes.int8_score import Scorer
from edgesmith.recipes.models import resolve
from edgesmith.recipes.quantize import CALIBRATION, calibration_pictures, check_request, quantize_model
from edgesmith.tasks.classification import Classification

MUCH: Final = 0.02


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
                row = find_rows(options.out, key)[-1]
                print(describe(row), flush=True)
                if not mixed and row["metrics"]["loss"] > MUCH:
                    key = setting | {"device": device, "given_back": True}
                    if not find_rows(options.out, key):
                        append_line(options.out, json.dumps(key | find_worst(bundle, device, options)))
                    print(describe_worst(find_rows(options.out, key)[-1]), flush=True)


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
        "instructions": read_instructions(),
        "seconds": round(time.monotonic() - started, 1),
        "calibration": found["calibration"],
        "plan": file["plan"],
        "metrics": file["metrics"],
        "float_ms": file["latency"][0]["ms"],
        "int8_ms": file["latency"][1]["ms"],
        "comparison": file["comparisons"][0],
        "reasons": file["reasons"],
    }


def find_worst(bundle: Path, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What each part and each kind gives back in float, in nats on the calibration pictures; the most first."""
    ((device,), ranges), opened_bundle = check_request(name, Ranges.MINMAX), open_bundle(bundle)
    pictures = calibration_pictures(opened_bundle, options.data, CALIBRATION, seed=options.seed, progress=SILENT)
    task, form = Classification(opened_bundle.manifest.classes), split_kind(device.format)[0]
    scorer = Scorer(device, pictures.calibration, task)
    net, suffix = cast("Net", load_module(opened_bundle)), get_exporter(form).suffix
    plans = {part: QuantPlan(ranges=ranges, float_parts=(part,)) for part in parts_of(net.spec)}
    plans |= {str(kind): QuantPlan(ranges=ranges, float_kinds=(kind,)) for kind in get_quantizer(form).kinds}
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as text:
        folder = Path(text)
        calibration = Calibration.of(pictures.calibration.images, opened_bundle.manifest.preprocessing, inside=False)
        quantizer = open_quantizer(form, net, net.spec, calibration, folder)
        whole = scorer.error(quantizer.write(folder / f"whole{suffix}", QuantPlan(ranges=ranges)).path)
        found = {
            part: whole - scorer.error(quantizer.write(folder / f"{part}{suffix}", plan).path)
            for part, plan in plans.items()
        }
    return {
        "instructions": read_instructions(),
        "error": whole,
        "gives_back": dict(sorted(found.items(), key=lambda each: -each[1])),
    }


def describe_worst(row: dict[str, Any]) -> str:
    told = ", ".join(f"{part} {nats:.3f}" for part, nats in list(row["gives_back"].items())[:5])
    return f"{row['device']:12} of {row['error']:.3f} nats these give back most alone in float: {told}"


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
