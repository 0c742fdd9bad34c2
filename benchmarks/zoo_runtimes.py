"""A network of every family as a file of every format, compared with PyTorch and timed on every runtime.

    python benchmarks/zoo_runtimes.py --out zoo_runtimes.jsonl --bundles bundles

Each network has random weights with calibrated norms and becomes a bundle, in which the parity of each file stands. Its
files then take turns in one session, one thread, batch 1, beside PyTorch itself. One network is one line of the output
file; run again, the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

from calibrated import calibrate_
from rows import find_rows, read_commit, read_instructions

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import ExportError
from edgesmith.core.files import append_line
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import Bundle, open_bundle, write_bundle
from edgesmith.devices.plan import Plan
from edgesmith.devices.table import get_device
from edgesmith.nn.build import build
from edgesmith.recipes.measure import measure_models
from edgesmith.recipes.model_files import bundle_file
from edgesmith.recipes.models import resolve

NETWORKS: Final = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "mobilenet_v4_conv_small",
    "mnasnet_a1",
    "squeezenet_1_1",
    "shufflenet_v1",
    "condensenet_74",
    "shiftnet_a",
)
DEVICES: Final = "torch,onnxruntime,litert,executorch,openvino"


def main() -> None:
    options = parse_options()
    for name in options.networks or NETWORKS:
        key = {"commit": read_commit(), "network": name, "devices": options.devices, "seed": options.seed}
        if not find_rows(options.out, key):
            append_line(options.out, json.dumps(key | run(name, options)))
        print(describe(find_rows(options.out, key)[-1]), flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Export and time a network of every family on every runtime.")
    parser.add_argument("networks", nargs="*", help="zoo names; one of every family by default")
    parser.add_argument("--devices", default=DEVICES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=12.0, help="seconds of measuring for each device")
    parser.add_argument("--bundles", type=Path, default=Path("bundles"))
    parser.add_argument("--out", type=Path, default=Path("zoo_runtimes.jsonl"))
    return parser.parse_args()


def run(name: str, options: argparse.Namespace) -> dict[str, Any]:
    bundle = make_bundle(name, options.bundles / name.replace("@", "-"), seed=options.seed)
    devices, refused = [], {}
    for device in options.devices.split(","):
        try:
            if get_device(device).format != "torch":
                bundle, _ = bundle_file(bundle, get_device(device).format)
            devices.append(device)
        except ExportError as error:
            refused[device] = str(error)
    plan = Plan(seed=options.seed, limit_s=options.limit)
    found = measure_models([resolve(str(bundle.folder))], ",".join(devices), plan=plan).to_dict()
    records = open_bundle(bundle.folder).manifest.files
    return {
        "instructions": read_instructions(),
        "latency": found["latency"],
        "parity": {record.format: record.parity.relative for record in records if record.parity is not None},
        "outside": {record.format: dict(record.outside) for record in records if record.outside},
        "refused": refused,
    }


def make_bundle(name: str, folder: Path, *, seed: int) -> Bundle:
    spec = find(name)
    return write_bundle(
        folder,
        name=name,
        task="classification",
        spec=spec,
        module=calibrate_(build(spec, seed=seed), seed=seed),
        classes=[str(index) for index in range(spec.num_classes)],
        preprocessing=Preprocessing.for_resolution(*spec.resolution),
        files=[],
        metrics={},
        provenance={"weights": "random, with calibrated norms"},
    )


def describe(row: dict[str, Any]) -> str:
    times = [f"{each['device']} {each['ms']:.2f}{' contended' * each['contended']}" for each in row["latency"]]
    worst = max(row["parity"].values(), default=0.0)
    refused = "".join(f"; not on {device}: {reason}" for device, reason in row["refused"].items())
    return f"{row['network']:24} {', '.join(times)} ms; furthest from PyTorch {worst:.1e}{refused}"


if __name__ == "__main__":
    main()
