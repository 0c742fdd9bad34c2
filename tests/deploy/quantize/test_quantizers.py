"""What every quantizer must do, on a small net with a gate and hard-swish."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from edgesmith.core.errors import ExportError, UsageError
from edgesmith.deploy.base import Converted
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.parity import eager_function
from edgesmith.deploy.quantize.base import Calibration, Kind, QuantPlan, Ranges, Source
from edgesmith.deploy.quantize.table import QUANTIZERS, get_quantizer
from edgesmith.deploy.quantize.write import Opened, open_quantizer, run_float
from edgesmith.nn.build import Net
from edgesmith.runtimes.litert import LiteRtRuntime
from edgesmith.runtimes.table import runtime_for
from tests.deploy.kind_nets import kind_net
from tests.deploy.models import INT8_FORMATS, Model, make_model, noise_pictures, plan_here

KNOWN_RANGES = {
    "onnx": set(Ranges),
    "litert": {Ranges.MINMAX},
    "executorch": {Ranges.MINMAX, Ranges.ERROR},
    "openvino": {Ranges.MINMAX, Ranges.PERCENTILE},
}


def net_of(model: Model) -> Net:
    assert isinstance(model.net, Net)
    return model.net


@dataclass(frozen=True)
class Ready:
    """A net opened for one format."""

    model: Model
    opened: Opened
    suffix: str


@pytest.fixture(scope="module")
def gated() -> Model:
    return make_model(kind_net("inverted_residual"))


@pytest.fixture(scope="module")
def calibration(gated: Model) -> Calibration:
    return Calibration(images=gated.preprocessing.normalize(noise_pictures(12, 64, 64)))


@pytest.fixture(scope="module", params=INT8_FORMATS)
def ready(
    request: pytest.FixtureRequest, gated: Model, calibration: Calibration, tmp_path_factory: pytest.TempPathFactory
) -> Ready:
    folder = tmp_path_factory.mktemp(request.param)
    opened = open_quantizer(request.param, net_of(gated), gated.spec, calibration, folder)
    return Ready(gated, opened, get_exporter(request.param).suffix)


def answers(path: Path, model: Model, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Of a file and of the float net, on pictures that were not used for calibration."""
    images = model.preprocessing.normalize(noise_pictures(count, 64, 64, seed=9))
    loaded = runtime_for(path.suffix).load(path)
    of_file = np.concatenate([run_float(loaded, images[i : i + 1]) for i in range(count)])
    return of_file, eager_function(model.net)(images)


def signal_to_noise_db(actual: np.ndarray, expected: np.ndarray) -> float:
    return float(10 * np.log10(np.square(expected).sum() / np.square(actual - expected).sum()))


def test_everything_in_int8_answers_nearly_as_float_and_weighs_less(ready: Ready, tmp_path: Path) -> None:
    exported = ready.opened.write(tmp_path / f"model{ready.suffix}", QuantPlan())
    assert exported.precision == "int8"
    assert exported.notes[0] == "all int8"
    assert signal_to_noise_db(*answers(exported.path, ready.model)) > 12
    loaded = runtime_for(exported.path.suffix).load(exported.path)
    assert (loaded.inputs[0].dtype, loaded.outputs[0].dtype) == ("float32", "float32")


def test_case_q2_what_stays_in_float_brings_the_answers_nearer(ready: Ready, tmp_path: Path) -> None:
    parts = tuple(f"blocks.{index}" for index in range(len(ready.model.spec.blocks)))
    whole = ready.opened.write(tmp_path / f"whole{ready.suffix}", QuantPlan())
    mixed = ready.opened.write(tmp_path / f"mixed{ready.suffix}", QuantPlan(float_parts=parts))
    nothing = ready.opened.write(tmp_path / f"nothing{ready.suffix}", QuantPlan(float_parts=(*parts, "head")))
    signal = [signal_to_noise_db(*answers(file.path, ready.model)) for file in (whole, mixed, nothing)]
    assert signal[0] - 1 < signal[1] < 80, "what is left of the noise comes from the head"
    assert signal[2] > 80, "with every part in float nothing is quantized"


def test_a_classifier_alone_in_float_gives_scores_that_share_no_step(ready: Ready, tmp_path: Path) -> None:
    plan = QuantPlan(float_parts=("head.classifier",))
    of_file, of_net = answers(ready.opened.write(tmp_path / f"model{ready.suffix}", plan).path, ready.model)
    gaps = np.diff(np.unique(of_file))
    in_steps = gaps / gaps.min()
    assert np.abs(in_steps - np.round(in_steps)).max() > 0.1
    assert signal_to_noise_db(of_file, of_net) < 80, "the rest is int8"


def test_the_same_plan_gives_the_same_bytes(ready: Ready, tmp_path: Path) -> None:
    first, second = (ready.opened.write(tmp_path / name / f"model{ready.suffix}", QuantPlan()) for name in "ab")
    assert (first.sha256, first.companions) == (second.sha256, second.companions)


@pytest.mark.parametrize("ranges", list(Ranges))
def test_ranges_that_a_tool_does_not_know_are_told_with_those_it_does(
    ready: Ready, tmp_path: Path, ranges: Ranges
) -> None:
    path = tmp_path / f"model{ready.suffix}"
    if ranges in KNOWN_RANGES[ready.opened.format]:
        exported = ready.opened.write(path, QuantPlan(ranges=ranges))
        assert signal_to_noise_db(*answers(exported.path, ready.model)) > 8
        return
    with pytest.raises(UsageError, match=f"knows ranges by {Ranges.MINMAX}.*, got {ranges}"):
        ready.opened.write(path, QuantPlan(ranges=ranges))
    assert list(tmp_path.iterdir()) == []


def test_case_q10_weights_have_a_step_for_each_channel_as_found_in_the_file(
    gated: Model, calibration: Calibration, tmp_path: Path
) -> None:
    opened = open_quantizer("onnx", net_of(gated), gated.spec, calibration, tmp_path)
    exported = opened.write(tmp_path / "model.onnx", QuantPlan())
    graph = onnx.load(exported.path).graph
    sizes = {each.name: int(np.prod(each.dims, dtype=int)) for each in graph.initializer}
    weights = [node for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in sizes]
    assert min(sizes[node.input[1]] for node in weights) > 1
    assert exported.notes[1] == f"{len(weights)} of {len(weights)} stored tensors have a step for each channel"
    assert exported.opset is not None
    assert exported.opset >= 13


def test_case_q10_litert_tells_it_too(gated: Model, calibration: Calibration, tmp_path: Path) -> None:
    opened = open_quantizer("litert", net_of(gated), gated.spec, calibration, tmp_path)
    exported = opened.write(tmp_path / "model.tflite", QuantPlan(float_parts=("blocks.0",)))
    assert exported.notes == ("float: blocks.0", "9 of 9 weights have a step for each channel")


def test_case_q5_gates_have_a_fixed_step(gated: Model, calibration: Calibration, tmp_path: Path) -> None:
    """Their answers fill 0..1 whatever the calibration pictures were."""
    opened = open_quantizer("onnx", net_of(gated), gated.spec, calibration, tmp_path)
    exported = opened.write(tmp_path / "model.onnx", QuantPlan())
    graph = onnx.load(exported.path).graph
    values = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    (gate,) = [node for node in graph.node if node.op_type == "HardSigmoid"]
    (reader,) = [node for node in graph.node if gate.output[0] in node.input]
    assert reader.op_type == "QuantizeLinear"
    assert values[reader.input[1]] == np.float32(1 / 256)
    assert values[reader.input[2]] == 0


def narrow_gates(model: Model) -> Net:
    """The gates' last filters a tenth as strong and centred: what they let through is near a half everywhere."""
    net = net_of(make_model(model.spec))
    excite = net.get_submodule("blocks.1.gate.excite")
    assert isinstance(excite, nn.Conv2d)
    assert excite.bias is not None
    with torch.no_grad():
        excite.weight *= 0.1
        excite.bias *= 0.1
    return net


@pytest.mark.slow
@pytest.mark.parametrize("format_name", QUANTIZERS)
def test_case_q5_gates_that_stay_near_a_half_are_as_good_in_the_real_runtime(
    format_name: str, gated: Model, calibration: Calibration, tmp_path: Path
) -> None:
    net = narrow_gates(gated)
    seen: list[torch.Tensor] = []
    excite = net.get_submodule("blocks.1.gate.excite")
    handle = excite.register_forward_hook(lambda *arguments: seen.append(arguments[2]))
    others = gated.preprocessing.normalize(noise_pictures(16, 64, 64, seed=9))
    for images in (calibration.images, others):
        eager_function(net)(images)
    handle.remove()
    gates = nn.functional.hardsigmoid(torch.cat(seen))
    assert 0.4 < float(gates.min()) < 0.49
    assert 0.51 < float(gates.max()) < 0.6
    opened = open_quantizer(format_name, net, gated.spec, calibration, tmp_path)
    plan = QuantPlan(float_kinds=(Kind.HARD_SWISH,)) if format_name == "litert" else plan_here(format_name)
    path = opened.write(tmp_path / f"model{get_exporter(format_name).suffix}", plan).path
    loaded = runtime_for(path.suffix).load(path)
    actual = np.concatenate([run_float(loaded, others[i : i + 1]) for i in range(len(others))])
    expected = eager_function(net)(others)
    assert signal_to_noise_db(actual, expected) > 12
    assert (actual.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 15 / 16


def test_case_e4_floats_between_integers_are_listed(gated: Model, calibration: Calibration, tmp_path: Path) -> None:
    """An int8 V3 block in LiteRT: nothing in float but what the plan leaves there, the means included."""
    opened = open_quantizer("litert", net_of(gated), gated.spec, calibration, tmp_path)
    whole = opened.write(tmp_path / "whole.tflite", QuantPlan())
    assert whole.in_float == {}
    assert whole.operators["MEAN"] == 2
    assert (whole.operators["QUANTIZE"], whole.operators["DEQUANTIZE"]) == (1, 1), "at the two ends"
    gate = opened.write(tmp_path / "gate.tflite", QuantPlan(float_parts=("blocks.1.gate",)))
    assert gate.in_float == {"CONV_2D": 2, "MEAN": 1, "MUL": 2}
    swishes = opened.write(tmp_path / "swish.tflite", QuantPlan(float_kinds=(Kind.HARD_SWISH,)))
    assert swishes.in_float == {"HARD_SWISH": 3}


def test_litert_classifiers_answer_in_plain_numbers(gated: Model, calibration: Calibration, tmp_path: Path) -> None:
    """Its weights have eight bits, but its scores are more than the 256 that an int8 answer can be."""
    opened = open_quantizer("litert", net_of(gated), gated.spec, calibration, tmp_path)
    answers = []
    for name, plan in {"plain": QuantPlan(), "steps": QuantPlan(integer_ends=True)}.items():
        loaded = LiteRtRuntime().load(opened.write(tmp_path / f"{name}.tflite", plan).path)
        pictures = gated.preprocessing.normalize(noise_pictures(100, 64, 64, seed=9))
        answers.append(np.concatenate([run_float(loaded, pictures[i : i + 1]) for i in range(len(pictures))]))
    plain, steps = (len(np.unique(each)) for each in answers)
    assert plain > 256 >= steps


def test_case_e4_openvino_tells_what_it_computes_in_float(
    gated: Model, calibration: Calibration, tmp_path: Path
) -> None:
    opened = open_quantizer("openvino", net_of(gated), gated.spec, calibration, tmp_path)
    parts = tuple(f"blocks.{index}" for index in range(3))
    whole = opened.write(tmp_path / "whole.xml", QuantPlan())
    mixed = opened.write(tmp_path / "mixed.xml", QuantPlan(float_parts=parts))
    assert "Convolution" not in whole.in_float
    assert mixed.in_float["Convolution"] >= 5


def test_hard_swish_in_float_leaves_nothing_outside_litert_fast_kernels(
    gated: Model, calibration: Calibration, tmp_path: Path
) -> None:
    opened = open_quantizer("litert", net_of(gated), gated.spec, calibration, tmp_path)
    whole = opened.write(tmp_path / "whole.tflite", QuantPlan())
    mixed = opened.write(tmp_path / "mixed.tflite", QuantPlan(float_kinds=(Kind.HARD_SWISH,)))
    assert whole.outside == {"HARD_SWISH": 3}
    assert mixed.outside == {}
    assert LiteRtRuntime().load(mixed.path).operators()[0]["HARD_SWISH"] == 3


@pytest.mark.slow
def test_case_q8_no_engine_of_torch_is_needed(
    gated: Model, calibration: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ARM's engine chosen on an x86 machine files are as good: the tools here bring their own kernels."""
    monkeypatch.setattr(torch.backends.quantized, "engine", "qnnpack")
    opened = open_quantizer("executorch", net_of(gated), gated.spec, calibration, tmp_path)
    exported = opened.write(tmp_path / "model.pte", QuantPlan())
    assert signal_to_noise_db(*answers(exported.path, gated)) > 12


@pytest.mark.parametrize("format_name", ["ncnn", "coreml"])
def test_formats_without_a_tool_name_those_that_have_one(format_name: str) -> None:
    with pytest.raises(UsageError, match=f"no tool makes int8 {format_name} files here; choices: onnx, litert"):
        get_quantizer(format_name)


def test_no_pictures_is_told() -> None:
    with pytest.raises(UsageError, match="needs pictures to find the ranges"):
        Calibration(images=np.zeros((0, 3, 8, 8), np.float32))


class _Constant(Source):
    """A tool that writes the file of another net, one that answers the same whatever it sees."""

    def __init__(self, net: nn.Module, model: Model) -> None:
        self._net, self._model = net, model

    def write(self, path: Path, plan: QuantPlan) -> Converted:
        get_exporter("onnx").export(self._net, self._model.spec, path)
        return Converted(operators={}, precision="int8")


@pytest.fixture
def deaf(gated: Model) -> nn.Module:
    net = make_model(gated.spec).net
    head = net.get_submodule("head.classifier.linear")
    assert isinstance(head, nn.Linear)
    nn.init.zeros_(head.weight)
    nn.init.ones_(head.bias)
    return net


def test_a_file_that_answers_the_same_whatever_it_is_shown_is_refused(
    deaf: nn.Module, gated: Model, calibration: Calibration, tmp_path: Path
) -> None:
    opened = Opened(
        format="onnx",
        source=_Constant(deaf, gated),
        float_answers=eager_function(gated.net)(calibration.images[:4]),
        calibration=calibration,
        mended=0,
    )
    with pytest.raises(ExportError, match="answers the same whatever it is shown; it was not kept"):
        opened.write(tmp_path / "model.onnx", QuantPlan())
    assert list(tmp_path.iterdir()) == []
