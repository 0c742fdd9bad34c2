"""Google's own files: weights and ranges number for number, and accuracy on real pictures."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("tflite", reason="tflite is not installed")

from edgesmith.data.preprocessing import Preprocessing
from edgesmith.nn.build import Net, build
from edgesmith.weights.imported import Imported
from edgesmith.weights.ranges import emulate_ranges
from edgesmith.weights.sources.litert import read_litert
from edgesmith.weights.sources.litert_graph import read_graph
from edgesmith.weights.sources.litert_metadata import read_normalization
from edgesmith.weights.state import load_state

V3_SMALL = "v3-small_224_1.0_uint8.tflite"
V3_LARGE = "v3-large-minimalistic_224_1.0_uint8.tflite"
V2 = "mobilenet_v2_1.0_224_quant.tflite"


@pytest.fixture(scope="module")
def folder(shared_dir: Path) -> Path:
    return shared_dir / "data" / "mobilenet-weights"


@pytest.fixture(scope="module")
def record(folder: Path) -> dict[str, Any]:
    """What another reader found in V3-Small's file: arrays by key, and every operator under ``meta``."""
    arrays = dict(np.load(folder / "v3-small_224_1.0_uint8.npz"))
    return {**arrays, "meta": json.loads(arrays["meta_json"].tobytes())}


@pytest.mark.parametrize(
    ("file", "name"),
    [(V3_SMALL, "mobilenet_v3_small"), (V3_LARGE, "mobilenet_v3_large_minimalistic"), (V2, "mobilenet_v2")],
)
def test_the_net_is_recognised(folder: Path, file: str, name: str) -> None:
    imported = read_litert(folder / file)
    assert imported.spec.name == f"{name}@padding=same,preset=timm_tf"
    assert imported.spec.num_classes == 1000
    load_state(build(imported.spec), imported.state)


def test_weights_are_dequantised_number_for_number(folder: Path, record: dict[str, Any]) -> None:
    imported = read_litert(folder / V3_SMALL)
    kernels = [value for value in imported.state.values() if value.dim() in (2, 4)]
    operators = [operator for operator in record["meta"]["ops"] if "key" in operator]
    assert len(kernels) == len(operators) == 54
    for kernel, operator in zip(kernels, operators, strict=True):
        stored = record[f"{operator['key']}.weight"].astype(np.float64)
        real = (stored - operator["weight_zero"][0]) * operator["weight_scale"][0]
        wanted = torch.from_numpy(real.astype(np.float32))[-len(kernel) :].reshape(kernel.shape)
        torch.testing.assert_close(kernel, wanted, rtol=1e-6, atol=0)


def test_ranges_are_those_of_the_operators(folder: Path, record: dict[str, Any]) -> None:
    ranges = read_litert(folder / V3_SMALL).ranges or {}
    by_output = {operator["output"]: operator for operator in record["meta"]["ops"]}
    for path, output in {
        "blocks.0.conv.linear": "MobilenetV3/Conv/add_fold",
        "blocks.0.conv": "MobilenetV3/Conv/hard_swish/mul_1",
        "blocks.1.gate.squeeze": "MobilenetV3/expanded_conv/squeeze_excite/Conv/Relu",
        "blocks.4.gate.excite.linear": "MobilenetV3/expanded_conv_3/squeeze_excite/Conv_1/BiasAdd",
        "blocks.4.gate": "MobilenetV3/expanded_conv_3/squeeze_excite/mul",
        "blocks.3.skip": "MobilenetV3/expanded_conv_2/add",
        "head.pool": "MobilenetV3/AvgPool2D/AvgPool",
        "head.feature": "MobilenetV3/Conv_2/hard_swish/mul_1",
        "head.classifier": "MobilenetV3/Logits/Conv2d_1c_1x1/BiasAdd",
    }.items():
        scale, zero = by_output[output]["out_scale"][0], by_output[output]["out_zero"][0]
        assert (ranges[path].step, ranges[path].low) == pytest.approx((scale, -zero * scale))
        assert ranges[path].high == pytest.approx((255 - zero) * scale)
    assert ranges["input"].step == pytest.approx(record["meta"]["input"]["scale"])


def test_metadata_of_a_real_file(folder: Path) -> None:
    assert read_normalization(read_graph(folder / V2).metadata) == ((127.5,) * 3, (127.5,) * 3)


def crop(rule: Preprocessing, file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as image:
        return rule.crop(image.convert("RGB"))


def accuracy(net: Net, imported: Imported, folder: Path) -> float:
    """Top-1 over the thousand pictures, 0..1."""
    rows = list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))
    right = 0
    for start in range(0, len(rows), 20):
        part = rows[start : start + 20]
        crops = [crop(imported.preprocessing, folder / row["file"]) for row in part]
        with torch.inference_mode():
            answers = net(torch.from_numpy(imported.preprocessing.normalize(np.stack(crops)))).argmax(1).tolist()
        right += sum(answer == int(row["index"]) for answer, row in zip(answers, part, strict=True))
    return right / len(rows)


# The float figures were measured with timm's TensorFlow-style nets, the integer ones with LiteRT 2.3 (V2: LiteRT).
@pytest.mark.bench
@pytest.mark.parametrize(
    ("file", "emulated", "wanted", "tolerance"),
    [
        (V3_SMALL, False, 0.717, 0.005),
        (V3_LARGE, False, 0.796, 0.005),
        (V2, False, 0.857, 0.015),
        (V3_SMALL, True, 0.736, 0.007),
        (V3_LARGE, True, 0.803, 0.007),
    ],
)
def test_accuracy_on_a_thousand_pictures(
    folder: Path, file: str, *, emulated: bool, wanted: float, tolerance: float
) -> None:
    imported = read_litert(folder / file)
    net = build(imported.spec)
    load_state(net, imported.state)
    net = emulate_ranges(net, imported.ranges or {}) if emulated else net.eval()
    found = accuracy(net, imported, folder.parent / "imagenet-sample-1k")
    assert found == pytest.approx(wanted, abs=tolerance)
