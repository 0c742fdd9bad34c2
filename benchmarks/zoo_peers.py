"""Our exported networks beside torchvision's and timm's, exported the way their own documents say, in ONNX Runtime.

    python benchmarks/zoo_peers.py --out zoo_peers.jsonl

For each network that a library has too, its model with random weights is exported by `torch.onnx.export` (torchvision)
or `timm.utils.onnx.onnx_export` (timm), ours by the exporter that every verb uses; the files then take turns in one
session, one thread, batch 1, the same resolution. A ratio below 1 says that ours takes less time. One network is one
line of the output file; run again, the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import timm
import torch
import torchvision
from marked import markdown
from rows import find_rows, read_commit
from timm.utils.onnx import onnx_export

from edgesmith.arch.zoo.names import find
from edgesmith.core.files import append_line
from edgesmith.core.quiet import captured_output, hushed
from edgesmith.deploy.base import SINGLE
from edgesmith.deploy.formats import get_exporter
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.table import get_device
from edgesmith.nn.build import build

# By our name: the libraries' names.
NETWORKS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "mobilenet_v3_large": {"torchvision": "mobilenet_v3_large", "timm": "mobilenetv3_large_100"},
        "mobilenet_v3_small": {"torchvision": "mobilenet_v3_small", "timm": "mobilenetv3_small_100"},
        "mobilenet_v2": {"torchvision": "mobilenet_v2", "timm": "mobilenetv2_100"},
        "mobilenet_v1": {"timm": "mobilenetv1_100"},
        "mobilenet_v4_conv_small": {"timm": "mobilenetv4_conv_small"},
        "mobilenet_v4_conv_medium": {"timm": "mobilenetv4_conv_medium"},
        "mnasnet_b1": {"torchvision": "mnasnet1_0", "timm": "mnasnet_100"},
        "mnasnet_a1": {"timm": "semnasnet_100"},
        "squeezenet_1_1": {"torchvision": "squeezenet1_1"},
    }
)


def main() -> None:
    options = parse_options()
    rows = []
    for name in options.networks or NETWORKS:
        key = {"commit": read_commit(), "network": name, "seed": options.seed}
        if not find_rows(options.out, key):
            append_line(options.out, json.dumps(key | run(name, options)))
        rows.append(find_rows(options.out, key)[-1])
    print("\n".join(table(rows)))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time our exported networks beside the libraries'.")
    parser.add_argument("networks", nargs="*", help="our names; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("zoo_peers.jsonl"))
    return parser.parse_args()


def run(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """One session of a network's files."""
    spec = find(name)
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as text:
        folder = Path(text)
        files = {"edgesmith": folder / "edgesmith.onnx"}
        get_exporter("onnx").export(build(spec, seed=options.seed).eval(), spec, files["edgesmith"], options=SINGLE)
        for library, model in NETWORKS[name].items():
            files[library] = folder / f"{library}.onnx"
            torch.manual_seed(options.seed)
            with warnings.catch_warnings(action="ignore"), captured_output(), hushed():
                EXPORTS[library](model, spec.resolution, files[library])
        subjects = [Subject(name=each, files={"onnx": path}) for each, path in files.items()]
        found = measure(subjects, [get_device("onnxruntime")], plan=Plan(seed=options.seed))
    return {
        "resolution": list(spec.resolution),
        "latency": {each.name: each.ms for each in found.latency},
        "contended": any(each.contended for each in found.latency),
        "ratios": {
            pair.b: {"ratio": pair.ratio, "low": pair.low, "high": pair.high, "verdict": pair.verdict}
            for pair in found.comparisons
            if pair.a == "edgesmith"
        },
    }


def export_torchvision(model: str, resolution: tuple[int, int], path: Path) -> None:
    """As torch's documentation has it."""
    net = torchvision.models.get_model(model, weights=None).eval()
    program = torch.onnx.export(net, (torch.zeros(1, 3, *resolution),), dynamo=True, verbose=False)
    assert program is not None
    program.save(str(path))


def export_timm(model: str, resolution: tuple[int, int], path: Path) -> None:
    """As timm's `onnx_export.py` calls it."""
    net = timm.create_model(model, pretrained=False, exportable=True).eval()
    onnx_export(net, str(path), batch_size=1, input_size=(3, *resolution), use_dynamo=True, check=False)


EXPORTS: Final[Mapping[str, Callable[[str, tuple[int, int], Path], None]]] = MappingProxyType(
    {"torchvision": export_torchvision, "timm": export_timm}
)


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Our time to each library's."""

    def cell(row: dict[str, Any], library: str) -> str:
        pair = row["ratios"].get(library)
        return "" if pair is None else f"{pair['ratio']:.3f} ({pair['low']:.3f} to {pair['high']:.3f})"

    lines = [
        [f"`{row['network']}`", f"{row['latency']['edgesmith']:.2f} ms", cell(row, "torchvision"), cell(row, "timm")]
        for row in rows
    ]
    return markdown(["", "ours", "to torchvision's", "to timm's"], lines)


if __name__ == "__main__":
    main()
