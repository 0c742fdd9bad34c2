from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("tflite", reason="tflite is not installed")

from edgesmith.arch.edits.ablation import relu_only
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Padding, Skip
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import MissingExtraError, WeightsError
from edgesmith.nn.build import Net, build
from edgesmith.nn.fold import fold_norms
from edgesmith.weights.imported import Imported, Range
from edgesmith.weights.sources.litert import read_litert
from edgesmith.weights.state import load_state
from tests.nn.nets import calibrate, pictures, relative_difference
from tests.weights.sources.tflite_metadata import normalization
from tests.weights.sources.tflite_net import Style, write_net
from tests.weights.sources.tflite_writer import GraphWriter

OPTIONS = "padding=same,preset=timm_tf"
SMALL = f"mobilenet_v3_small@width=0.75,{OPTIONS},resolution=96x96"
TINY = f"mobilenet_v1@width=0.25,{OPTIONS},activation=relu6,resolution=64x64"
NETS = [
    SMALL,
    f"mobilenet_v3_large_minimalistic@{OPTIONS},classes=4,resolution=64x96",
    f"mobilenet_v2@width=0.35,{OPTIONS},resolution=96x96",
    TINY,
    f"mobilenet_v1@width=0.25,{OPTIONS},activation=relu,resolution=64x64",
]
STYLES = {
    "plain": Style(),
    "keras": Style(explicit_pads=True, swish_in_parts=True, dense_head=True, softmax=False),
    "toco": Style(folded_gate=True),
}


@pytest.fixture(scope="module")
def tiny() -> Net:
    return calibrate(build(find(TINY)))


def difference(net: Net, imported: Imported) -> float:
    """In float64: the file holds folded weights, and calibrated nets enlarge what folding rounds."""
    other = build(imported.spec, seed=3)
    assert load_state(other, imported.state).rule == "name"
    images = pictures(*imported.spec.resolution).double()
    with torch.no_grad():
        return relative_difference(other.eval().double()(images), fold_norms(net).double()(images))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NETS)
def test_float_files_give_the_net_back(tmp_path: Path, name: str, style: str) -> None:
    net = calibrate(build(find(name)))
    write_net(net, tmp_path / "net.tflite", STYLES[style])
    imported = read_litert(tmp_path / "net.tflite")
    assert imported.spec == find(name)
    assert (imported.name, imported.ranges) == ("net", None)
    assert difference(net, imported) < 1e-5


def test_symmetric_padding_is_recognised(tmp_path: Path) -> None:
    name = TINY.replace("same", "symmetric")
    net = calibrate(build(find(name)))
    write_net(net, tmp_path / "net.tflite", Style())
    imported = read_litert(tmp_path / "net.tflite")
    assert imported.spec.padding is Padding.SYMMETRIC
    assert difference(net, imported) < 1e-5


def test_half_precision_weights(tmp_path: Path, tiny: Net) -> None:
    write_net(tiny, tmp_path / "net.tflite", Style(half=True))
    imported = read_litert(tmp_path / "net.tflite")
    key = "blocks.3.pointwise.conv.weight"
    folded = fold_norms(tiny).state_dict()[key]
    assert torch.equal(imported.state[key], folded.half().float())


def test_folded_norms_only_add_the_bias(tmp_path: Path, tiny: Net) -> None:
    write_net(tiny, tmp_path / "net.tflite", Style())
    state = read_litert(tmp_path / "net.tflite").state
    norm = {role: state[f"blocks.0.conv.norm.{role}"] for role in ("weight", "bias", "running_mean", "running_var")}
    assert torch.equal(norm["bias"], fold_norms(tiny).state_dict()["blocks.0.conv.conv.bias"])
    assert (norm["weight"] == 1).all()
    assert (norm["running_mean"] == 0).all()
    torch.testing.assert_close(norm["running_var"], torch.full((8,), 0.999))
    assert state["blocks.0.conv.norm.num_batches_tracked"] == 0


@pytest.mark.parametrize("name", [SMALL, TINY])
def test_quantized_files_keep_weights_and_ranges(tmp_path: Path, name: str) -> None:
    net = calibrate(build(find(name)))
    scales = write_net(net, tmp_path / "net.tflite", Style(quantized=True))
    imported = read_litert(tmp_path / "net.tflite")
    assert imported.spec == find(name)
    assert imported.notes[0].startswith("weights are dequantised")
    folded = fold_norms(net).state_dict()
    for key in (key for key in imported.state if key.endswith(("conv.weight", "linear.weight", "squeeze.weight"))):
        step = folded[key].abs().flatten(1).amax(1) / 127
        assert ((imported.state[key] - folded[key]).abs().flatten(1).amax(1) <= step * 0.51).all()
    assert imported.ranges is not None
    assert set(imported.ranges) == {*scales, "input"}
    for path, (scale, zero) in scales.items():
        wanted = Range(low=(-128 - zero) * scale, high=(127 - zero) * scale, step=scale)
        assert imported.ranges[path].low == pytest.approx(wanted.low, rel=1e-6)
        assert imported.ranges[path].high == pytest.approx(wanted.high, rel=1e-6)
        assert imported.ranges[path].step == pytest.approx(wanted.step, rel=1e-6)


def test_quantized_pixels_are_read_as_the_file_records(tmp_path: Path, tiny: Net) -> None:
    write_net(tiny, tmp_path / "net.tflite", Style(quantized=True))
    imported = read_litert(tmp_path / "net.tflite")
    pixels = np.arange(256, dtype=np.uint8).reshape(8, 32, 1).repeat(3, 2)
    real = (np.arange(256) - 128) * 0.0078125
    np.testing.assert_array_equal(imported.preprocessing.normalize(pixels)[1].ravel(), real.astype(np.float32))
    assert "value * 0.0078125 -1, is the input's quantization" in imported.notes[-1]


@pytest.mark.parametrize(
    ("scaling", "factor", "offset", "note"),
    [
        (None, 1 / 127.5, -1.0, "is TensorFlow's; the file records none"),
        ((1 / 255, 0.0), 1 / 255, 0.0, "stands inside the file's graph"),
        ((1 / 127.5, -1.0), 1 / 127.5, -1.0, "stands inside the file's graph"),
    ],
)
def test_case_m3_scaling_inside_the_graph_is_applied_once(
    tmp_path: Path, tiny: Net, scaling: tuple[float, float] | None, factor: float, offset: float, note: str
) -> None:
    write_net(tiny, tmp_path / "net.tflite", Style(scaling=scaling))
    imported = read_litert(tmp_path / "net.tflite")
    pixels = np.array([[[0, 100, 255]]], np.uint8)
    wanted = np.array([0, 100, 255]) * factor + offset
    np.testing.assert_allclose(imported.preprocessing.normalize(pixels).ravel(), wanted, atol=1e-6)
    assert imported.notes[-1].endswith(note)
    assert (imported.preprocessing.height, imported.preprocessing.width) == (64, 64)


def test_scaling_from_the_metadata(tmp_path: Path, tiny: Net) -> None:
    metadata = {"TFLITE_METADATA": normalization([127.0, 128.0, 129.0], [64.0])}
    write_net(tiny, tmp_path / "net.tflite", Style(metadata=metadata))
    imported = read_litert(tmp_path / "net.tflite")
    pixels = np.array([[[127, 192, 65]]], np.uint8)
    np.testing.assert_allclose(imported.preprocessing.normalize(pixels).ravel(), [0, 1, -1], atol=1e-6)
    assert imported.notes[-1].endswith("/ (64.0, 64.0, 64.0), is the file's metadata")


def test_the_background_class_is_dropped(tmp_path: Path) -> None:
    net = build(find(f"{TINY},classes=1001"))
    write_net(net, tmp_path / "net.tflite", Style())
    imported = read_litert(tmp_path / "net.tflite")
    assert imported.spec.num_classes == 1000
    key = "head.classifier.linear.weight"
    assert torch.equal(imported.state[key], net.state_dict()[key][1:])


def changed(spec: NetSpec, index: int, **fields: Any) -> NetSpec:
    block = spec.blocks[index]
    assert isinstance(block, InvertedResidual)
    return spec.with_block(index, replace(block, **fields))


V2 = find(f"mobilenet_v2@width=0.35,{OPTIONS},resolution=96x96")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (relu_only(find(SMALL)), r"has blocks.0.conv \(conv, stride 2, activation hard_swish, .*activation relu, "),
        (changed(V2, 2, stride=1), r"has blocks.2.depthwise \(depthwise, stride 2, .*depthwise, stride 1"),
        (changed(V2, 3, skip=Skip.NONE), r"it has 63 steps, mobilenet_v2@.* has 64"),
        (changed(V2, 2, expand_channels=40), "these 53 kernels are of no net of the zoo"),
    ],
)
def test_nets_that_only_look_like_the_zoos_are_refused(tmp_path: Path, spec: NetSpec, message: str) -> None:
    write_net(build(spec), tmp_path / "net.tflite", Style())
    with pytest.raises(WeightsError, match=message) as caught:
        read_litert(tmp_path / "net.tflite")
    assert str(caught.value).startswith(f"{tmp_path / 'net.tflite'} cannot be read as a classifier of the zoo: ")
    assert "\n" not in str(caught.value)


def one_operator(path: Path, kind: str, *constants: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Path:
    graph = GraphWriter()
    picture, answer = graph.tensor((1, 8, 8, 3)), graph.tensor((1, 8, 8, 3))
    stored = [graph.tensor(value.shape, value=value) for value in constants]
    graph.operator(kind, [picture, *stored], answer)
    graph.write(path, inputs=[picture], outputs=[answer], metadata={})
    return path


@pytest.mark.parametrize(
    ("kind", "constants", "message"),
    [
        ("TRANSPOSE", (), r"operator 0 \(TRANSPOSE\) is of no classifier or segmenter in the zoo"),
        ("MUL", (np.ones(3),), r"operator 0 \(MUL\) has a number for each channel: a norm that is not folded"),
        ("RESHAPE", (), r"operator 0 \(RESHAPE\) reshapes a feature map of \(1, 8, 8, 3\)"),
        ("AVERAGE_POOL_2D", (), r"operator 0 \(AVERAGE_POOL_2D\) pools \(1, 8, 8, 3\) to \(1, 8, 8, 3\)"),
        ("CONV_2D", (np.ones((4, 1, 1, 3)),), r"operator 0 \(CONV_2D\) has stride \(0, 0\) and dilation \(1, 1\)"),
        ("RELU", (), "it has no layers with kernels"),
        ("PAD", (), r"operator 0 \(PAD\) reads or makes what it cannot"),
    ],
)
def test_operators_that_have_no_place_are_named(
    tmp_path: Path, kind: str, constants: tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], ...], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        read_litert(one_operator(tmp_path / "net.tflite", kind, *constants))


def test_damaged_and_other_files_are_one_line(tmp_path: Path, tiny: Net) -> None:
    path = tmp_path / "net.tflite"
    with pytest.raises(WeightsError, match=r"no \.tflite file at"):
        read_litert(path)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsError, match=r"is not a \.tflite file: it does not say TFL3"):
        read_litert(path)
    write_net(tiny, path, Style())
    whole = path.read_bytes()
    for kept in (8, 64, len(whole) // 4, len(whole) // 2, len(whole) - 1000):
        path.write_bytes(whole[:kept])
        with pytest.raises(WeightsError) as caught:
            read_litert(path)
        assert "\n" not in str(caught.value)


def test_the_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tflite", None)
    with pytest.raises(MissingExtraError, match=r"tflite is not installed; pip install 'edgesmith\[weights\]'"):
        read_litert(tmp_path / "net.tflite")


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, tiny: Net) -> None:
    net = build(tiny.spec)
    net.load_state_dict(tiny.state_dict())
    net.state_dict()["blocks.3.pointwise.conv.weight"][0, 0] = float("nan")
    write_net(net, tmp_path / "net.tflite", Style())
    with pytest.raises(WeightsError, match=r"layer 'blocks.3.pointwise' holds numbers that are not finite"):
        read_litert(tmp_path / "net.tflite")
