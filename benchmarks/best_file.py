"""The best file that edgesmith finds for a network by itself, against torchvision's model in ONNX Runtime float.

    python benchmarks/best_file.py --out best_file.jsonl

torchvision's MobileNetV3-Large is exported to ONNX by torch's own exporter. Ours is exported to every format, and
quantized on every runtime by the plan that is fastest there. All files then take turns in one session, one thread,
batch 1, 224 pixels. Weights are random with calibrated norms: these are times, and say nothing about accuracy. Beside
them stands the limit that this core's measured matrix product sets to float arithmetic: ONNX Runtime's product and
torch's, which on some processors is half as fast.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from calibrated import calibrate_
from numpy.typing import NDArray
from rows import find_rows, read_commit, read_instructions

from edgesmith.arch.cost import count_total
from edgesmith.arch.zoo.names import find
from edgesmith.core.files import append_line
from edgesmith.core.seed import generator
from edgesmith.deploy.base import SINGLE
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.quantize.base import Calibration, QuantPlan
from edgesmith.deploy.quantize.mixed import find_plan
from edgesmith.deploy.quantize.write import open_quantizer
from edgesmith.devices import statistics
from edgesmith.devices.local import LocalDevice
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.roofline.machine import measure_machine
from edgesmith.devices.table import get_devices
from edgesmith.devices.together import Together
from edgesmith.nn.build import Net, build

FLOAT_DEVICES = ("onnxruntime", "litert", "executorch", "openvino", "openvino:arithmetic=bf16", "ncnn")
INT8_DEVICES = ("onnxruntime", "litert", "executorch", "openvino")
PEER = "torchvision, onnxruntime"
CALIBRATION_PICTURES = 16


def main() -> None:
    options = parse_options()
    key = {"commit": read_commit(), "model": options.model, "seed": options.seed}
    if not find_rows(options.out, key):
        append_line(options.out, json.dumps(key | run(options.model, seed=options.seed, loads=options.loads)))
    print_row(find_rows(options.out, key)[-1])


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time every file of a network beside torchvision's.")
    parser.add_argument("--model", default="mobilenet_v3_large", help="a name that torchvision has too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--loads", type=int, default=12, help="times that every file is loaded anew")
    parser.add_argument("--out", type=Path, default=Path("best_file.jsonl"))
    return parser.parse_args()


def run(name: str, *, seed: int, loads: int) -> dict[str, Any]:
    spec = find(name)
    net = calibrate_(build(spec, seed=seed), seed=seed)
    images = generator(seed, "pictures").standard_normal((CALIBRATION_PICTURES, 3, *spec.resolution), dtype=np.float32)
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as text:
        folder = Path(text)
        devices: list[LocalDevice] = []
        files: list[Path] = []
        names: list[str] = []

        def add(device: str, path: Path, called: str) -> None:
            (opened,) = get_devices(device)
            assert isinstance(opened, LocalDevice)
            devices.append(opened)
            files.append(path)
            names.append(called)

        add("onnxruntime", export_torchvision(name, folder, seed=seed), PEER)
        made: dict[str, Path] = {}
        for device in FLOAT_DEVICES:
            form = get_devices(device)[0].format
            if form not in made:
                made[form] = folder / f"model{get_exporter(form).suffix}"
                get_exporter(form).export(net, spec, made[form], options=SINGLE)
            add(device, made[form], device)
        plans = {}
        for device in INT8_DEVICES:
            path, plans[device] = quantized(device, net, images, made, folder)
            add(f"{device}:int8", path, f"{device}:int8")
        session = Together(devices, [1] * len(devices)).time(files, Plan(seed=seed, loads=loads))
    basis = statistics.choose_basis(session, statistics.assess_contention(session))
    resampled = statistics.resample(session, basis, rng=generator(seed, "bootstrap"))
    rates = {"onnxruntime": measure_machine().float32_gflops, "torch": torch_gflops()}
    limits = {library: 2 * count_total(spec).madds / rate / 1e6 for library, rate in rates.items()}
    rows = []
    for index, called in enumerate(names):
        ms, ratio = resampled.latency(index), resampled.ratio(0, index)
        rows.append({"file": called, "ms": ms.value, "low_ms": ms.low, "high_ms": ms.high,
                     "times_faster": ratio.value, "low": ratio.low, "high": ratio.high})  # fmt: skip
    return {
        "instructions": read_instructions(),
        "gflops": rates,
        "limit_ms": limits,
        "contended": statistics.assess_contention(session).contended,
        "plans": plans,
        "files": rows,
    }


def export_torchvision(name: str, folder: Path, *, seed: int) -> Path:
    torch.manual_seed(seed)
    module = getattr(torchvision.models, name)(weights=None).eval()
    path = folder / "torchvision.onnx"
    with warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(module, (torch.zeros(1, 3, 224, 224),), dynamo=True, verbose=False)
    assert program is not None
    program.save(str(path))
    return path


def quantized(
    device: str, net: Net, images: NDArray[np.float32], made: dict[str, Path], folder: Path
) -> tuple[Path, str]:
    """The fastest int8 file on a device, and what stayed in float in it; errors are not looked at."""
    (opened,) = get_devices(device)
    form = opened.format
    own = folder / form
    own.mkdir()

    def times(paths: Sequence[Path]) -> list[float]:
        subjects = [Subject(name=str(index), files={form: path}) for index, path in enumerate(paths)]
        return [latency.ms for latency in measure(subjects, [opened], plan=Plan(limit_s=5.0)).latency]

    ready = open_quantizer(form, net, net.spec, Calibration(images=images), own)
    found = find_plan(
        ready, (), made[form], measure=times, error=lambda _: 0.0, folder=own, base=QuantPlan(), allowed=0.0
    )
    best = min(found.trials, key=lambda trial: trial.ms)
    return best.file.path, best.plan.describe()


def torch_gflops(size: int = 1024, rounds: int = 12) -> float:
    """Billions of float operations a second of torch's matrix product on one thread, the best of several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        a, b = torch.randn(size, size), torch.randn(size, size)
        seconds = []
        for _ in range(rounds):
            started = time.thread_time()
            torch.mm(a, b)
            seconds.append(time.thread_time() - started)
    finally:
        torch.set_num_threads(before)
    return 2 * size**3 / min(seconds) / 1e9


def print_row(row: dict[str, Any]) -> None:
    print(f"a processor with {row['instructions']}")
    for library, limit in row["limit_ms"].items():
        rate = row["gflops"][library]
        print(f"{row['model']} at the rate of {library}'s matrix product ({rate:.0f} GFLOP/s): {limit:.2f} ms")
    for file in row["files"]:
        print(
            f"{file['file']:28} {file['ms']:7.2f} ms ({file['low_ms']:.2f} to {file['high_ms']:.2f})  "
            f"{file['times_faster']:.2f}x faster than torchvision's ({file['low']:.2f} to {file['high']:.2f})"
        )
    for device, plan in row["plans"].items():
        print(f"  {device}:int8: {plan}")
    if row["contended"]:
        print("other work disturbed the session")


if __name__ == "__main__":
    main()
