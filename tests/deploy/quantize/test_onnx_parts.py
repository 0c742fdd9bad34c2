"""Where an int8 ONNX file goes astray, part by part, and whether its kernels do what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from torch import nn

from edgesmith.deploy.quantize import onnx_kernels
from edgesmith.deploy.quantize.base import Calibration, QuantPlan
from edgesmith.deploy.quantize.onnx import _reader
from edgesmith.deploy.quantize.onnx_kernels import check_kernels
from edgesmith.deploy.quantize.onnx_parts import compare_parts
from edgesmith.deploy.quantize.write import Opened, open_quantizer
from edgesmith.nn.build import Net
from edgesmith.runtimes.onnxruntime import OnnxFile, OnnxRuntime
from tests.deploy.kind_nets import kind_net
from tests.deploy.models import Model, make_model, noise_pictures, plan_here

PARTS = ("blocks.0", "blocks.1", "blocks.2", "head")


def uneven() -> Model:
    """Block 2's depthwise filters reach over two decades, its projection undoes that: the float net is as good."""
    model = make_model(kind_net("inverted_residual"))
    spread = torch.logspace(-1, 1, 32)
    depthwise, project = (model.net.get_submodule(f"blocks.2.{name}.conv") for name in ("depthwise", "project"))
    norm = model.net.get_submodule("blocks.2.depthwise.norm")
    assert isinstance(depthwise, nn.Conv2d)
    assert isinstance(project, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    with torch.no_grad():
        norm.weight.mul_(spread)
        norm.bias.mul_(spread)
        project.weight.div_(spread[None, :, None, None])
    return model


def opened_for(model: Model, folder: Path) -> Opened:
    assert isinstance(model.net, Net)
    calibration = Calibration.of(noise_pictures(12, 64, 64), model.preprocessing)
    return open_quantizer("onnx", model.net, model.spec, calibration, folder)


def noise(opened: Opened, path: Path) -> dict[str, float]:
    return {part.part: part.db for part in opened.source.compare_parts(path, PARTS)}


def test_case_q1_the_report_names_the_part_that_suffers(tmp_path: Path) -> None:
    """Channels of unequal size share one step of activations; what is small among them is lost."""
    even = opened_for(make_model(kind_net("inverted_residual")), tmp_path)
    healthy = noise(even, even.write(tmp_path / "even.onnx", plan_here("onnx")).path)
    (tmp_path / "other").mkdir()
    odd = opened_for(uneven(), tmp_path / "other")
    sick = noise(odd, odd.write(tmp_path / "odd.onnx", plan_here("onnx")).path)
    assert list(sick) == list(PARTS)
    fallen = {part: healthy[part] - sick[part] for part in PARTS}
    assert next(part for part in PARTS if fallen[part] > 1) == "blocks.2", "the first that falls; what follows inherits"
    assert fallen["blocks.2"] > 6
    assert abs(fallen["blocks.1"]) < 1e-6, "what lies before it is as it was"


def test_case_q2_per_channel_per_tensor_and_float_side_by_side(tmp_path: Path) -> None:
    """One step for all of a tensor's filters loses the small ones; a step for each does not."""
    opened = opened_for(uneven(), tmp_path)
    per_channel = noise(opened, opened.write(tmp_path / "channel.onnx", QuantPlan()).path)
    float_file = tmp_path / "float.onnx"
    quantize_static(
        str(float_file),
        str(tmp_path / "tensor.onnx"),
        _reader(opened.calibration.images),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=False,
    )
    per_tensor = noise(opened, tmp_path / "tensor.onnx")
    assert per_channel["blocks.2"] > per_tensor["blocks.2"] + 3
    itself = compare_parts(float_file, float_file, PARTS, opened.calibration.images)
    assert {part.db for part in itself} == {120.0}


def test_parts_without_operators_are_left_out(tmp_path: Path) -> None:
    opened = opened_for(make_model(kind_net("inverted_residual")), tmp_path)
    path = opened.write(tmp_path / "model.onnx", QuantPlan()).path
    found = opened.source.compare_parts(path, ("blocks.1.gate", "blocks.7", "head"))
    assert [part.part for part in found] == ["blocks.1.gate", "head"]


def test_case_q2_kernels_that_do_as_the_file_says_pass(tmp_path: Path) -> None:
    """With weights of seven bits no kernel overflows, whatever the processor."""
    opened = opened_for(make_model(kind_net("inverted_residual")), tmp_path)
    path = opened.write(tmp_path / "model.onnx", QuantPlan(reduce_range=True)).path
    parity = opened.source.check_kernels(path)
    assert parity is not None
    assert (parity.passed, parity.judged_by) == (True, "steps")
    weights = [
        onnx.numpy_helper.to_array(each)
        for each in onnx.load(path).graph.initializer
        if each.name.endswith("_quantized")
    ]
    assert max(int(np.abs(each.astype(int)).max()) for each in weights if each.dtype == np.int8) <= 64


def test_case_q2_kernels_that_overflow_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that stop at the end of sixteen bits, as on AVX2: here every answer above one."""
    opened = opened_for(make_model(kind_net("inverted_residual")), tmp_path)
    path = opened.write(tmp_path / "model.onnx", QuantPlan()).path

    class Saturating(OnnxFile):
        def run(self, images: Any) -> Any:
            answers = super().run(images)
            return np.minimum(answers, 0.2 * answers.max())

    class Overflowing(OnnxRuntime):
        def load(self, path: Path, **_: Any) -> OnnxFile:
            loaded = super().load(path)
            loaded.__class__ = Saturating
            return loaded

    monkeypatch.setattr(onnx_kernels, "OnnxRuntime", Overflowing)
    parity = opened.source.check_kernels(path)
    assert parity is not None
    assert not parity.passed
    assert parity.steps is not None
    assert parity.steps > 10


def test_a_last_layer_in_float_has_no_steps_to_judge(tmp_path: Path) -> None:
    opened = opened_for(make_model(kind_net("inverted_residual")), tmp_path)
    path = opened.write(tmp_path / "model.onnx", QuantPlan(float_parts=("head",))).path
    assert check_kernels(path, opened.calibration.images) is None
