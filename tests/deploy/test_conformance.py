"""What every exporter must do, on one small net for each block kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

from edgesmith.arch.kinds.table import KINDS
from edgesmith.core.errors import DeviceError, ExportError, UsageError
from edgesmith.deploy.base import ExportOptions
from edgesmith.deploy.check import check_file
from edgesmith.deploy.exporter import FileExporter
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.parity import (
    FLOAT_TOLERANCE,
    check_parity,
    compare,
    eager_function,
    run_pictures,
    takes_pixels,
)
from edgesmith.runtimes.base import from_output
from edgesmith.runtimes.table import runtime_for
from tests.deploy.kind_nets import BLOCKS, kind_net, net_of_kinds
from tests.deploy.models import Model, make_model, noise_pictures

RUN_HERE = [name for name, exporter in FORMATS.items() if exporter.runs_here]
FIXED = [name for name in RUN_HERE if not FORMATS[name].has_open_batch]
WITH_PIXELS = [name for name in RUN_HERE if FORMATS[name].takes_pixels]
WITHOUT_PIXELS = [name for name, exporter in FORMATS.items() if not exporter.takes_pixels]

# What the fast kernels leave over: XNNPACK knows no gather, and no average pooling that counts its padding.
LEFT_OVER = {
    ("executorch", "condensed_layer"): {"index_select"},
    ("executorch", "fused_bottleneck"): {"avg_pool2d"},
    ("executorch", "shuffle_unit"): {"avg_pool2d"},
    ("executorch", "conv_shift_conv"): {"avg_pool2d"},
}
REFUSED = {("ncnn", "condensed_layer"): "layer torch.index_select not exists"}


@pytest.fixture(scope="module")
def gated() -> Model:
    return make_model(kind_net("inverted_residual"))


def exporter_of(name: str) -> FileExporter:
    return FORMATS[name]


def test_every_kind_that_can_be_deployed_has_a_net() -> None:
    assert set(BLOCKS) == set(KINDS) - {"learned_layer"}


@pytest.mark.parametrize("format_name", RUN_HERE)
def test_a_file_of_all_kinds_answers_as_pytorch_does(format_name: str, tmp_path: Path) -> None:
    kinds = [kind for kind in BLOCKS if (format_name, kind) not in REFUSED]
    left_over = set().union(*(LEFT_OVER.get((format_name, kind), set()) for kind in kinds))
    assert_answers_as_pytorch_does(make_model(net_of_kinds(kinds)), exporter_of(format_name), left_over, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format_name", "kind"), [pair for pair in itertools.product(RUN_HERE, BLOCKS) if pair not in REFUSED]
)
def test_a_file_of_each_kind_answers_as_pytorch_does(format_name: str, kind: str, tmp_path: Path) -> None:
    left_over = LEFT_OVER.get((format_name, kind), set())
    assert_answers_as_pytorch_does(make_model(kind_net(kind)), exporter_of(format_name), left_over, tmp_path)


def assert_answers_as_pytorch_does(model: Model, exporter: FileExporter, left_over: set[str], folder: Path) -> None:
    """Exports into an empty folder.

    Args:
        left_over: Operators that the format's fast kernels do not have.
    """
    exported = exporter.export(model.net, model.spec, folder / f"model{exporter.suffix}")
    images = noise_pictures(4, *model.spec.resolution)
    parity = check_parity(model.net, exported.path, [images], preprocessing=model.preprocessing)
    assert parity.relative < FLOAT_TOLERANCE
    assert sorted(path.name for path in folder.iterdir()) == sorted([exported.path.name, *exported.companions])
    assert exported.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert exported.batch == (None if exporter.has_open_batch else 1)
    assert runtime_for(exported.path.suffix).load(exported.path).inputs[0].layout == exported.layout
    assert set(exported.outside) == left_over


@pytest.mark.parametrize(("format_name", "kind"), REFUSED)
def test_a_kind_that_a_format_has_no_operator_for_is_refused(format_name: str, kind: str, tmp_path: Path) -> None:
    model, exporter = make_model(kind_net(kind)), exporter_of(format_name)
    with pytest.raises(ExportError, match=REFUSED[format_name, kind]):
        exporter.export(model.net, model.spec, tmp_path / f"model{exporter.suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_name", FIXED)
def test_case_e8_an_open_batch_is_refused_by_formats_that_fix_it(
    format_name: str, gated: Model, tmp_path: Path
) -> None:
    exporter = exporter_of(format_name)
    path = tmp_path / f"model{exporter.suffix}"
    with pytest.raises(UsageError, match=f"{format_name} files are fixed to one batch size; choose one with --batch"):
        exporter.export(gated.net, gated.spec, path, options=ExportOptions(open_batch=True))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_name", FIXED)
def test_case_e8_another_batch_than_the_files_is_one_line(format_name: str, gated: Model, tmp_path: Path) -> None:
    exporter = exporter_of(format_name)
    exported = exporter.export(gated.net, gated.spec, tmp_path / f"model{exporter.suffix}")
    loaded = runtime_for(exported.path.suffix).load(exported.path)
    shape = loaded.inputs[0].sized()
    with pytest.raises(DeviceError, match=r"takes float32 .*; the file is fixed to this batch size") as caught:
        loaded.run(np.zeros((2, *shape[1:]), np.float32))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("format_name", [name for name in RUN_HERE if FORMATS[name].has_open_batch])
def test_case_e2_an_open_batch_is_open_and_a_fixed_one_is_fixed(format_name: str, gated: Model, tmp_path: Path) -> None:
    exporter = exporter_of(format_name)
    files = [
        exporter.export(gated.net, gated.spec, tmp_path / f"{name}{exporter.suffix}", options=options)
        for name, options in (("open", ExportOptions(open_batch=True)), ("two", ExportOptions(batch=2)))
    ]
    opened, fixed = (runtime_for(exporter.suffix).load(file.path) for file in files)
    for batch in (1, 2, 5):
        images = gated.preprocessing.normalize(noise_pictures(batch, 64, 64))
        expected = eager_function(gated.net)(images)
        assert compare(expected, from_output(opened.run(images), opened.outputs[0])).passed
        if batch == 2:
            assert compare(expected, from_output(fixed.run(images), fixed.outputs[0])).passed
        else:
            with pytest.raises(DeviceError):
                fixed.run(images)


@pytest.mark.slow
@pytest.mark.parametrize("format_name", WITH_PIXELS)
def test_case_q11_pixels_inside_and_outside_answer_the_same(format_name: str, gated: Model, tmp_path: Path) -> None:
    exporter = exporter_of(format_name)
    pictures = noise_pictures(4, 64, 64)
    answers = []
    for rule in (None, gated.preprocessing):
        path = tmp_path / f"{'plain' if rule is None else 'pixels'}{exporter.suffix}"
        options = ExportOptions(batch=2, preprocessing=rule)
        exported = exporter.export(gated.net, gated.spec, path, options=options)
        assert exported.preprocessing_inside == (rule is not None)
        loaded = runtime_for(path.suffix).load(path)
        assert takes_pixels(loaded) == exported.preprocessing_inside
        answers.append(run_pictures(loaded, pictures, preprocessing=gated.preprocessing))
    assert np.abs(answers[0] - answers[1]).max() < 1e-5 * np.abs(answers[0]).max()


@pytest.mark.parametrize("format_name", WITHOUT_PIXELS)
def test_case_q11_formats_that_take_no_pixels_say_so(format_name: str, gated: Model, tmp_path: Path) -> None:
    exporter = exporter_of(format_name)
    options = ExportOptions(preprocessing=gated.preprocessing)
    with pytest.raises(UsageError, match=f"{format_name} files take scaled pictures only; scale them as the sample"):
        exporter.export(gated.net, gated.spec, tmp_path / f"model{exporter.suffix}", options=options)


@pytest.mark.slow
@pytest.mark.parametrize("format_name", [name for name in RUN_HERE if name != "onnx"])
def test_bytes_are_the_same_at_each_export(format_name: str, gated: Model, tmp_path: Path) -> None:
    exporter = exporter_of(format_name)
    first, second = (
        exporter.export(gated.net, gated.spec, tmp_path / folder / f"model{exporter.suffix}") for folder in "ab"
    )
    assert first.sha256 == second.sha256
    assert first.companions == second.companions


@pytest.mark.parametrize("format_name", [name for name in FORMATS if name != "onnx"])
def test_an_opset_is_for_onnx_alone(format_name: str, gated: Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="opset 17 was given, but only onnx files have one"):
        exporter_of(format_name).export(gated.net, gated.spec, tmp_path / "model", options=ExportOptions(opset=17))


@pytest.mark.parametrize("format_name", RUN_HERE)
def test_a_wrong_file_is_refused_and_not_kept(
    format_name: str, gated: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_model(kind_net("norm"))
    exporter = exporter_of(format_name)
    monkeypatch.setattr("edgesmith.deploy.exporter.check_file", _check_against(other))
    with pytest.raises(ExportError, match="the file is off by"):
        exporter.export(gated.net, gated.spec, tmp_path / f"model{exporter.suffix}")
    assert list(tmp_path.iterdir()) == []


def _check_against(other: Model) -> Callable[..., None]:
    def check(_whole: nn.Module, path: Path, images: NDArray[Any], *, batch: int | None) -> None:
        check_file(other.net, path, images, batch=batch)

    return check
