"""What int8 files take: scaled pictures, raw pixels, or steps; never something else than was asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesmith.core.errors import ExportError, UsageError
from edgesmith.deploy.base import ExportedFile, ExportOptions, Input
from edgesmith.deploy.bundle import open_bundle
from edgesmith.deploy.check import check_ends
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.parity import eager_function, run_pictures, takes_pixels
from edgesmith.deploy.quantize.base import Calibration, Kind, QuantPlan
from edgesmith.deploy.quantize.table import QUANTIZERS
from edgesmith.deploy.quantize.write import open_quantizer
from edgesmith.nn.build import Net
from edgesmith.runtimes.base import TensorInfo
from edgesmith.runtimes.table import runtime_for
from tests.deploy.kind_nets import kind_net
from tests.deploy.models import INT8_FORMATS, Model, make_model, noise_pictures, write_plain_bundle
from tests.deploy.test_sample import assert_same_scores

pytestmark = pytest.mark.slow

OTHERS = noise_pictures(16, 64, 64, seed=9)
# LiteRT's hard-swish of eight bits is coarse; the question here is the input.
PLANS = {"litert": QuantPlan(float_kinds=(Kind.HARD_SWISH,))}


@pytest.fixture(scope="module")
def gated() -> Model:
    return make_model(kind_net("inverted_residual"))


def quantized(model: Model, format_name: str, folder: Path, *, inside: bool, ends: bool = False) -> ExportedFile:
    assert isinstance(model.net, Net)
    folder.mkdir()
    calibration = Calibration.of(noise_pictures(12, 64, 64), model.preprocessing, inside=inside)
    opened = open_quantizer(format_name, model.net, model.spec, calibration, folder)
    plan = replace(PLANS.get(format_name, QuantPlan()), integer_ends=ends)
    return opened.write(folder / f"model{get_exporter(format_name).suffix}", plan)


def answers(file: ExportedFile, model: Model) -> np.ndarray:
    loaded = runtime_for(file.path.suffix).load(file.path)
    return run_pictures(loaded, OTHERS, preprocessing=model.preprocessing)


@pytest.fixture(scope="module", params=INT8_FORMATS)
def files(
    request: pytest.FixtureRequest, gated: Model, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, ExportedFile]:
    """Of one format: int8 and int8 with pixels; of two also float and float with pixels.

    `test_conformance` sets the float files of all formats side by side.
    """
    folder, exporter = tmp_path_factory.mktemp(request.param), get_exporter(request.param)
    files = {
        "int8": quantized(gated, request.param, folder / "int8", inside=False),
        "uint8": quantized(gated, request.param, folder / "uint8", inside=True),
    }
    if request.param in ("onnx", "litert"):
        for name, rule in (("float", None), ("pixels", gated.preprocessing)):
            options = ExportOptions(batch=1, preprocessing=rule)
            path = folder / f"{name}{exporter.suffix}"
            files[name] = exporter.export(gated.net, gated.spec, path, options=options)
    return files


def test_case_q11_the_same_picture_has_the_same_best_class_in_every_file(
    files: dict[str, ExportedFile], gated: Model
) -> None:
    found = {name: answers(file, gated) for name, file in files.items()}
    source = eager_function(gated.net)(gated.preprocessing.normalize(OTHERS))
    lead = np.sort(source, axis=1)[:, -1] - np.sort(source, axis=1)[:, -2]
    clear = lead > 0.1 * np.abs(source).max()
    assert clear.sum() >= 8
    for name, logits in found.items():
        assert np.array_equal(logits.argmax(axis=1)[clear], source.argmax(axis=1)[clear]), name
    apart = np.abs(found["uint8"] - found["int8"]).max()
    assert apart < 0.02 * np.abs(source).max(), "scaling inside or outside must not matter"


def test_case_q11_the_record_says_what_the_file_takes(files: dict[str, ExportedFile], gated: Model) -> None:
    for name, file in files.items():
        pixels = name in ("pixels", "uint8")
        assert file.input is not None
        assert file.output is not None
        assert (file.input.dtype, file.output.dtype) == ("uint8" if pixels else "float32", "float32")
        assert file.input.scale is file.output.scale is None
        assert file.preprocessing_inside == pixels
        assert file.layout == file.input.layout
        assert takes_pixels(runtime_for(file.path.suffix).load(file.path)) == pixels


def test_case_q11_the_sample_of_an_int8_file_feeds_it_pixels(
    files: dict[str, ExportedFile], gated: Model, tmp_path: Path
) -> None:
    write_plain_bundle(tmp_path / "bundle", gated, [files["uint8"]])
    bundle = open_bundle(tmp_path / "bundle")
    (record,) = bundle.manifest.files
    assert record.input == files["uint8"].input
    picture = tmp_path / "picture.jpg"
    Image.fromarray(noise_pictures(1, 90, 130)[0]).save(picture, quality=95)
    assert "PREPROCESSING_INSIDE = True" in (bundle.folder / record.samples[0]).read_text()
    assert_same_scores(bundle, record, picture)


def test_case_q11_litert_files_with_steps_at_both_ends(gated: Model, tmp_path: Path) -> None:
    whole = quantized(gated, "litert", tmp_path / "ends", inside=False, ends=True)
    assert whole.input is not None
    assert whole.output is not None
    assert (whole.input.dtype, whole.output.dtype) == ("int8", "int8")
    assert whole.input.scale is not None
    plain = quantized(gated, "litert", tmp_path / "plain", inside=False)
    assert whole.output.scale is not None
    low, high = ((step - whole.output.zero_point) * whole.output.scale for step in (-128, 127))
    within = answers(plain, gated).clip(low, high)  # plain numbers have no bounds
    assert np.abs(answers(whole, gated) - within).max() < 1.5 * whole.output.scale


@pytest.mark.parametrize("format_name", [name for name in QUANTIZERS if name != "litert"])
def test_case_q11_steps_at_the_ends_are_refused_where_no_tool_makes_them(
    format_name: str, gated: Model, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=rf"int8 {format_name} files take float32 .*choose --input uint8"):
        quantized(gated, format_name, tmp_path / "made", inside=False, ends=True)


class _Taking:
    """An open file that takes and gives what it was told."""

    def __init__(self, taken: TensorInfo, given: TensorInfo) -> None:
        self.inputs, self.outputs = (taken,), (given,)

    def run(self, images: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def run_all(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        raise NotImplementedError


FLOATS = TensorInfo(name="images", shape=(1, 3, 8, 8), dtype="float32", layout="NCHW")
PIXELS = TensorInfo(name="images", shape=(1, 8, 8, 3), dtype="uint8", layout="NHWC")
STEPS = TensorInfo(name="images", shape=(1, 8, 8, 3), dtype="int8", layout="NHWC", scale=0.02, zero_point=-3)
LOGITS = TensorInfo(name="logits", shape=(1, 5), dtype="float32", layout="other")
STEP_LOGITS = replace(LOGITS, dtype="int8", scale=0.1)


@pytest.mark.parametrize(
    ("wanted", "taken", "given"),
    [(Input.FLOAT32, FLOATS, LOGITS), (Input.UINT8, PIXELS, LOGITS), (Input.INT8, STEPS, STEP_LOGITS)],
)
def test_case_q11_a_file_that_takes_something_else_is_refused(
    wanted: Input, taken: TensorInfo, given: TensorInfo
) -> None:
    assert check_ends(_Taking(taken, given), wanted) == (taken, given)
    for other in Input:
        if other is not wanted:
            with pytest.raises(ExportError, match=f"was to take {other} pictures, but takes {taken.dtype} .*not kept"):
                check_ends(_Taking(taken, given), other)


def test_case_q11_pixels_with_colours_first_or_steps_are_no_pixels() -> None:
    for wrong in (replace(PIXELS, layout="NCHW", shape=(1, 3, 8, 8)), replace(PIXELS, scale=0.02, zero_point=114)):
        with pytest.raises(ExportError, match="was to take uint8 pictures"):
            check_ends(_Taking(wrong, LOGITS), Input.UINT8)


def test_case_q11_a_mix_up_of_the_tools_is_noticed(
    gated: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool quantizes the file without the scaling, though pixels were asked for."""
    monkeypatch.setattr(Calibration, "options", property(lambda self: ExportOptions()))
    monkeypatch.setattr(Calibration, "inputs", property(lambda self: self.images))
    with pytest.raises(ExportError, match=r"was to take uint8 pictures, but takes float32 .*; it was not kept"):
        quantized(gated, "onnx", tmp_path / "made", inside=True)
    assert not (tmp_path / "made" / "model.onnx").exists()


def test_calibration_for_pixels_needs_both_pictures_and_rule(gated: Model) -> None:
    with pytest.raises(UsageError, match="need both the pictures and how they are scaled"):
        Calibration(images=np.zeros((1, 3, 8, 8), np.float32), preprocessing=gated.preprocessing)
