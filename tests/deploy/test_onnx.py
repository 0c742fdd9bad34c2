from __future__ import annotations

import errno
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from edgesmith.core.errors import ExportError, RunError, UsageError
from edgesmith.deploy.base import SINGLE, ExportedFile, ExportOptions
from edgesmith.deploy.onnx import DEFAULT_OPSET, OnnxExporter
from edgesmith.deploy.parity import compare, eager_function
from tests.deploy.models import Model, noise_pictures


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def opset_of(path: Path) -> dict[str, int]:
    return {entry.domain: entry.version for entry in onnx.load(path).opset_import}


def test_case_e15_one_file_that_loads_from_another_folder(small_file: ExportedFile, tmp_path: Path) -> None:
    assert [entry.name for entry in small_file.path.parent.iterdir()] == ["model.onnx"]
    copied = Path(shutil.copy(small_file.path, tmp_path / "elsewhere.onnx"))
    images = np.zeros((1, 3, 64, 64), np.float32)
    assert session(copied).run(["logits"], {"images": images})[0].shape == (1, 10)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_case_e2_dynamic_batch_answers_like_eager(small: Model, small_file: ExportedFile, batch: int) -> None:
    images = small.preprocessing.normalize(noise_pictures(batch, 64, 64))
    answers = session(small_file.path).run(["logits"], {"images": images})[0]
    parity = compare(eager_function(small.net)(images), answers)
    assert parity.relative < 1e-5
    assert parity.top1_agreement == 1.0


def test_case_e2_fixed_batch_refuses_another(tiny: Model, tmp_path: Path) -> None:
    exported = OnnxExporter().export(tiny.net, tiny.spec, tmp_path / "one.onnx", options=SINGLE)
    assert exported.batch == 1
    run = session(exported.path)
    assert run.get_inputs()[0].shape == [1, 3, 48, 40]
    assert run.run(None, {"images": np.zeros((1, 3, 48, 40), np.float32)})[0].shape == (1, 5)
    with pytest.raises(Exception, match="invalid dimensions"):
        run.run(None, {"images": np.zeros((2, 3, 48, 40), np.float32)})


class BatchCentred(nn.Module):
    """Its answer for one picture depends on the others."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 5)

    def forward(self, images: Tensor) -> Tensor:
        features = images.mean((2, 3))
        answers: Tensor = self.linear(features - features.mean(0))
        return answers


def test_case_e2_file_that_depends_on_the_batch_is_refused(tiny: Model, tmp_path: Path) -> None:
    path = tmp_path / "wrong.onnx"
    with pytest.raises(ExportError, match=r"at batch 1 the file is off by .*; it was not kept"):
        OnnxExporter().export(BatchCentred().eval(), tiny.spec, path)
    assert list(tmp_path.iterdir()) == []


def test_case_e1_hard_swish_is_one_operator_by_default(small_file: ExportedFile) -> None:
    assert small_file.opset == DEFAULT_OPSET == 18
    assert opset_of(small_file.path) == {"": 18}
    assert small_file.operators == {
        "Add": 6,
        "Conv": 52,
        "Gemm": 2,
        "GlobalAveragePool": 10,
        "HardSigmoid": 9,
        "HardSwish": 19,
        "Mul": 9,
        "Relu": 14,
        "Reshape": 1,
    }


@pytest.mark.parametrize(
    ("opset", "hard_swish", "hard_sigmoid"), [(13, 0, 7), (14, 5, 2), (17, 5, 2), (18, 5, 2), (20, 5, 2)]
)
def test_case_e1_opset_asked_for_is_the_opset_got(
    tiny: Model, tmp_path: Path, opset: int, hard_swish: int, hard_sigmoid: int
) -> None:
    exported = OnnxExporter().export(
        tiny.net, tiny.spec, tmp_path / "model.onnx", options=ExportOptions(batch=1, opset=opset)
    )
    assert opset_of(exported.path) == {"": opset}
    assert exported.opset == opset
    assert exported.operators.get("HardSwish", 0) == hard_swish
    assert exported.operators["HardSigmoid"] == hard_sigmoid
    images = tiny.preprocessing.normalize(noise_pictures(1, 48, 40))
    answers = session(exported.path).run(None, {"images": images})[0]
    assert compare(eager_function(tiny.net)(images), answers).relative < 1e-5


@pytest.mark.slow
def test_case_e1_v3_small_at_13_has_one_operator_more_for_each_hard_swish(
    small: Model, small_file: ExportedFile, tmp_path: Path
) -> None:
    counts = {}
    for opset in (13, 17):
        path = tmp_path / f"{opset}.onnx"
        exported = OnnxExporter().export(small.net, small.spec, path, options=ExportOptions(opset=opset))
        counts[opset] = dict(exported.operators)
        images = small.preprocessing.normalize(noise_pictures(2, 64, 64))
        answers = session(path).run(None, {"images": images})[0]
        assert compare(eager_function(small.net)(images), answers).relative < 1e-5
    assert counts[17] == small_file.operators
    swishes = counts[17].pop("HardSwish")
    assert counts[13].pop("HardSigmoid") - counts[17].pop("HardSigmoid") == swishes == 19
    assert counts[13].pop("Mul") - counts[17].pop("Mul") == swishes
    assert counts[13] == counts[17]


@pytest.mark.slow
@pytest.mark.parametrize("opset", range(13, 26))
def test_every_opset_of_the_range_is_written_for_the_whole_net(small: Model, tmp_path: Path, opset: int) -> None:
    exported = OnnxExporter().export(small.net, small.spec, tmp_path / "model.onnx", options=ExportOptions(opset=opset))
    assert opset_of(exported.path) == {"": opset}
    assert exported.operators.get("HardSwish", 0) == (19 if opset >= 14 else 0)


@pytest.mark.parametrize("opset", [12, 26])
def test_opset_outside_the_range_names_the_range(tiny: Model, tmp_path: Path, opset: int) -> None:
    with pytest.raises(UsageError, match=f"opset must be 13 to 25, got {opset}"):
        OnnxExporter().export(tiny.net, tiny.spec, tmp_path / "model.onnx", options=ExportOptions(opset=opset))


def test_batch_of_zero_is_refused() -> None:
    with pytest.raises(UsageError, match="batch must be at least 1, got 0"):
        ExportOptions(batch=0)


def test_module_in_training_mode_is_refused_by_name(tiny: Model, tmp_path: Path) -> None:
    part = tiny.net.get_submodule("blocks.1.depthwise.norm")
    part.train()
    try:
        with pytest.raises(ExportError, match=r"blocks\.1\.depthwise\.norm is in training mode"):
            OnnxExporter().export(tiny.net, tiny.spec, tmp_path / "model.onnx")
    finally:
        part.eval()


def test_case_e12_a_module_of_torchs_int8_is_refused_with_the_way_there(tiny: Model, tmp_path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):  # torch says that these modules will go
        module = nn.Sequential(nn.Flatten(), torch.ao.nn.quantized.Linear(3, 5)).eval()  # type: ignore[no-untyped-call]
    with pytest.raises(
        ExportError, match=r"1 is one of torch's int8 modules.*then run edgesmith quantize on its bundle"
    ):
        OnnxExporter().export(module, tiny.spec, tmp_path / "model.onnx")


def test_preprocessing_inside_takes_uint8_pictures(
    tiny: Model, tiny_file: ExportedFile, tiny_pixels_file: ExportedFile
) -> None:
    run = session(tiny_pixels_file.path)
    assert tiny_pixels_file.preprocessing_inside
    assert tiny_pixels_file.layout == "NHWC"
    assert (run.get_inputs()[0].type, run.get_inputs()[0].shape) == ("tensor(uint8)", [2, 48, 40, 3])
    pictures = noise_pictures(2, 48, 40)
    inside = run.run(None, {"images": pictures})[0]
    outside = session(tiny_file.path).run(None, {"images": tiny.preprocessing.normalize(pictures)})[0]
    assert compare(outside, inside).relative < 1e-6
    assert {"Gather", "Shape"}.isdisjoint(tiny_pixels_file.operators)


def test_preprocessing_of_another_size_is_refused(small: Model, tiny: Model, tmp_path: Path) -> None:
    options = ExportOptions(preprocessing=small.preprocessing)
    with pytest.raises(UsageError, match=r"preprocessing cuts 64x64, but tiny takes \(48, 40\)"):
        OnnxExporter().export(tiny.net, tiny.spec, tmp_path / "model.onnx", options=options)


def test_bytes_are_reproducible_and_tell_nothing_of_the_machine(
    tiny: Model, tiny_file: ExportedFile, tmp_path: Path
) -> None:
    again = OnnxExporter().export(tiny.net, tiny.spec, tmp_path / "again.onnx")
    assert again.sha256 == tiny_file.sha256
    content = again.path.read_bytes()
    assert len(content) == again.bytes
    assert b"edgesmith/" not in content
    assert b".py" not in content


def test_module_is_left_as_it_was(tiny: Model, tiny_file: ExportedFile) -> None:
    weight = tiny.net.get_parameter("blocks.2.expand.conv.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)
    swishes = [part for part in tiny.net.modules() if isinstance(part, nn.Hardswish)]
    assert [swish.inplace for swish in swishes] == [True] * 5


@pytest.mark.parametrize("where", ["write", "rename"])
def test_full_disk_leaves_nothing(tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if where == "write":
        monkeypatch.setattr(Path, "write_bytes", fail)
    else:
        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(RunError, match="the disk is full"):
        OnnxExporter().export(tiny.net, tiny.spec, tmp_path / "model.onnx", options=SINGLE)
    assert list(tmp_path.iterdir()) == []
