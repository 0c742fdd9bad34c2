"""Whole profiles of a device from nothing: the gate's figures, the time taken, and predictions against `measure`.

    python benchmarks/block_table.py --device onnxruntime --seeds 0 1 --out block_table.jsonl
    python benchmarks/block_table.py --seeds 0 --loops 2 --out block_table.jsonl

Each seed draws other networks and gets a table of its own in a new folder. A table that passes then predicts zoo nets
that it was not fitted to, and `measure` times them. Under busy loops a profile must give up as contended, or pass with
the same figures. One line of the output file a seed; run again, the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from aa_sessions import busy_loops
from rows import find_rows, read_commit

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DeviceError
from edgesmith.core.files import append_line
from edgesmith.devices.base import Device
from edgesmith.devices.blocks.files import maker_for
from edgesmith.devices.blocks.library import load_table, open_files
from edgesmith.devices.blocks.table import BlockTable
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.table import get_device
from edgesmith.recipes.profile import ProfilePlan, profile_device

CHECKED: Final = (
    "mobilenet_v3_small",
    "mobilenet_v3_large@width=0.75,resolution=160",
    "mobilenet_v2@width=0.75,resolution=192",
    "mnasnet_b1@width=0.75,resolution=160",
    "mobilenet_v1@width=0.5,resolution=192",
    "mobilenet_v4_conv_small@resolution=192",
)


def main() -> None:
    options = parse_options()
    for seed in options.seeds:
        key = {"commit": read_commit(), "device": options.device, "loops": options.loops, "seed": seed}
        if not find_rows(options.out, key):
            with busy_loops(options.loops):
                row = run(options.device, seed, options.cache / f"seed{seed}-loops{options.loops}")
            append_line(options.out, json.dumps(key | row))
        print(json.dumps(find_rows(options.out, key)[-1], indent=2))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Profile a device from nothing and check what comes of it.")
    parser.add_argument("--device", default="onnxruntime")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--loops", type=int, default=0, help="busy loops beside")
    parser.add_argument("--cache", type=Path, default=Path("runs/block_table"), help="folder of tables and files")
    parser.add_argument("--out", type=Path, default=Path("block_table.jsonl"))
    return parser.parse_args()


def run(name: str, seed: int, cache: Path) -> dict[str, Any]:
    """One profile, and if it passes what it says of zoo nets."""
    device = get_device(name)
    maker = maker_for(device.format)
    begun = time.monotonic()
    try:
        found = profile_device(device, maker=maker, cache=cache, plan=ProfilePlan(seed=seed)).to_dict()
    except DeviceError as error:
        return {"seconds": time.monotonic() - begun, "passed": False, "refused": str(error)}
    row = {"seconds": time.monotonic() - begun, "cpu": device.fingerprint().cpu, **found["gate"]}
    row |= {"pieces": found["pieces"], "calibration": found["calibration"]}
    if not row["passed"]:
        return row
    table = load_table(device, cache, maker)
    specs = [find(text) for text in CHECKED]
    table.learn(specs)
    files = open_files(maker, cache)
    files.make(specs)
    subjects = [Subject(name=spec.name, files={device.format: files.path(spec)}) for spec in specs]
    return row | {"checks": check(device, table, specs, subjects), "predictions_per_s": speed(table, specs)}


def check(
    device: Device, table: BlockTable, specs: Sequence[NetSpec], subjects: Sequence[Subject]
) -> list[dict[str, Any]]:
    """Each net as the table predicts it and as `measure` finds it."""
    rows = []
    for spec, latency in zip(specs, measure(subjects, [device]).latency, strict=True):
        guess = table.predict(spec)
        rows.append(
            {
                "name": spec.name,
                "predicted_ms": guess.ms,
                "low_ms": guess.low_ms,
                "high_ms": guess.high_ms,
                "measured_ms": latency.ms,
                "error": guess.ms / latency.ms - 1,
                "contended": latency.contended,
            }
        )
    return rows


def speed(table: BlockTable, specs: Sequence[NetSpec]) -> float:
    """Predictions a second of nets whose pieces are known."""
    begun, count = time.perf_counter(), 2000
    for index in range(count):
        table.predict(specs[index % len(specs)])
    return count / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
