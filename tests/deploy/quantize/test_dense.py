"""int8 files of segmenters and detectors, by every tool."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.parity import compare, eager_function, run_pictures
from edgesmith.deploy.predict_boxes import BoxPredictor, predict_boxes
from edgesmith.deploy.predict_masks import MaskPredictor, predict_masks
from edgesmith.deploy.quantize.base import Calibration, Kind, QuantPlan
from edgesmith.deploy.quantize.ends import absent_kinds, float_ends, refuse_shared_step
from edgesmith.deploy.quantize.write import Opened, open_quantizer
from edgesmith.nn.build import Net
from edgesmith.runtimes.table import runtime_for
from tests.deploy.dense_nets import HEIGHT, WIDTH, segmenter, sure_detector, write_dense_bundle
from tests.deploy.dense_nets import detector as timid_detector
from tests.deploy.models import INT8_FORMATS, Model, noise_pictures, plan_here

pytestmark = pytest.mark.slow

CALIBRATION, OTHERS = noise_pictures(8, HEIGHT, WIDTH), noise_pictures(4, HEIGHT, WIDTH, seed=9)


@dataclass(frozen=True)
class Ready:
    """A net opened for one format, and its file under the plan that a search begins with."""

    model: Model
    opened: Opened
    file: ExportedFile

    @property
    def suffix(self) -> str:
        return get_exporter(self.opened.format).suffix

    def answers(self, file: ExportedFile) -> np.ndarray:
        loaded = runtime_for(self.suffix).load(file.path)
        return run_pictures(loaded, OTHERS, preprocessing=self.model.preprocessing)

    def expected(self) -> np.ndarray:
        return eager_function(self.model.net)(self.model.preprocessing.normalize(OTHERS))


def ready(model: Model, format_name: str, folder: Path) -> Ready:
    assert isinstance(model.net, Net)
    calibration = Calibration.of(CALIBRATION, model.preprocessing)
    opened = open_quantizer(format_name, model.net, model.spec, calibration, folder)
    path = folder / f"model-int8{get_exporter(format_name).suffix}"
    return Ready(model, opened, opened.write(path, plan_here(format_name)))


@pytest.fixture(scope="module", params=INT8_FORMATS)
def masks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ready:
    return ready(segmenter(), request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module", params=INT8_FORMATS)
def boxes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ready:
    return ready(timid_detector(), request.param, tmp_path_factory.mktemp(request.param))


def test_masks_in_int8_are_nearly_those_in_float(masks: Ready) -> None:
    parity = compare(masks.expected(), masks.answers(masks.file), tolerance=0.5)
    assert masks.file.precision == "int8"
    assert parity.passed
    assert parity.top1_agreement > 0.85, "of pixels"
    assert "always in float" not in " ".join(masks.file.notes)


def test_case_e10_corners_and_scores_share_no_step(boxes: Ready) -> None:
    """All scores are near one per cent: a step of corners, which go from 0 to 1, would leave them a few values."""
    expected, actual = boxes.expected(), boxes.answers(boxes.file)
    assert expected[..., :4].max() > 0.95
    assert expected[..., 4:].max() < 0.06
    shared = 1 / 255
    assert len(np.unique(np.round(expected[..., 4:] / shared))) < 20, "what a shared step would leave"
    assert len(np.unique(actual[..., 4:])) > 100
    assert np.abs(expected[..., 4:] - actual[..., 4:]).mean() < shared / 2
    assert np.abs(expected[..., :4] - actual[..., :4]).mean() < 2 * shared
    assert "always in float: head.answers" in boxes.file.notes


def test_a_part_of_numbered_layers_stays_in_float_in_every_format(boxes: Ready, tmp_path: Path) -> None:
    """With the box layers and all before them in float, corners come nearer; with the class layers too, all is float's.

    Maps that layers in float and in int8 both read are in steps for both, in some formats.
    """
    parts = (*(f"blocks.{index}" for index in range(len(boxes.model.spec.blocks))), "head.extra*", "head.box*")
    corners = [boxes.answers(boxes.file)]
    for number, plan in enumerate((QuantPlan(float_parts=parts), QuantPlan(float_parts=(*parts, "head.class*")))):
        corners.append(boxes.answers(boxes.opened.write(tmp_path / f"{number}{boxes.suffix}", plan)))
    apart = [np.abs(boxes.expected() - each) for each in corners]
    assert apart[1][..., :4].mean() < apart[0][..., :4].mean() / 2
    assert apart[2].max() < 1e-4 < apart[1][..., 4:].max()


def test_case_e10_the_end_of_a_detector_reads_plain_numbers(tmp_path: Path) -> None:
    """As found in the file: what is put together at the end was not in steps before."""
    graph = onnx.load(ready(timid_detector(), "onnx", tmp_path).file.path).graph
    makers = {output: node for node in graph.node for output in node.output}
    (end,) = [node for node in graph.node if "logits" in node.output]
    assert end.op_type == "Concat"
    assert {makers[each].op_type for each in end.input}.isdisjoint({"DequantizeLinear", "QuantizeLinear"})


def test_litert_leaves_the_named_layer_in_float_and_no_other(tmp_path: Path) -> None:
    """The answers are called ``logits``, whichever layer gives them; only a part that it belongs to takes it along."""
    found = ready(segmenter(), "litert", tmp_path)
    gate = found.opened.write(tmp_path / "gate.tflite", QuantPlan(float_parts=("head.gate",)))
    last = found.opened.write(tmp_path / "last.tflite", QuantPlan(float_parts=("head.upsample",)))
    kinds = found.opened.write(tmp_path / "kinds.tflite", QuantPlan(float_kinds=(Kind.RESIZE,)))
    assert found.file.in_float == {}
    assert "RESIZE_BILINEAR" not in gate.in_float
    assert gate.in_float["CONV_2D"] == 1
    assert last.in_float["RESIZE_BILINEAR"] == 1
    assert kinds.in_float["RESIZE_BILINEAR"] == kinds.operators["RESIZE_BILINEAR"] > 1


def test_the_sample_of_an_int8_segmenter_writes_the_masks_of_predict(masks: Ready, tmp_path: Path) -> None:
    bundle = write_dense_bundle(tmp_path / "bundle", masks.model, [masks.file])
    picture = tmp_path / "one.png"
    Image.fromarray(noise_pictures(1, 90, 120)[0]).save(picture)
    loaded = runtime_for(masks.suffix).load(bundle.path(bundle.manifest.files[0]))
    (mine,) = predict_masks(MaskPredictor.of(bundle, loaded), [picture], out=tmp_path / "out").pictures
    (sample,) = [name for name in bundle.manifest.files[0].samples if name.endswith(".py")]
    subprocess.run([sys.executable, bundle.folder / sample, picture], check=True, capture_output=True)
    with Image.open(tmp_path / "one_mask.png") as theirs, Image.open(mine.mask) as ours:
        assert np.asarray(theirs).shape == (90, 120)
        assert len(np.unique(np.asarray(ours))) > 1
        assert np.array_equal(np.asarray(theirs), np.asarray(ours))


@pytest.mark.parametrize("name", INT8_FORMATS)
def test_the_sample_of_an_int8_detector_finds_the_boxes_of_predict(name: str, tmp_path: Path) -> None:
    found = ready(sure_detector(), name, tmp_path)
    bundle = write_dense_bundle(tmp_path / "bundle", found.model, [found.file])
    picture = tmp_path / "one.png"
    Image.fromarray(noise_pictures(1, 90, 120)[0]).save(picture)
    loaded = runtime_for(found.suffix).load(bundle.path(bundle.manifest.files[0]))
    (mine,) = predict_boxes(BoxPredictor.of(bundle, loaded), [picture], out=tmp_path / "out").pictures
    (sample,) = [name for name in bundle.manifest.files[0].samples if name.endswith(".py")]
    done = subprocess.run([sys.executable, bundle.folder / sample, picture], check=True, capture_output=True, text=True)
    theirs = sorted(line.rsplit(maxsplit=4) for line in done.stdout.splitlines()[1:])
    ours = sorted(
        [f"  {box.score:.4f}  {box.name}", *(f"{v:.1f}" for v in (box.left, box.top, box.right, box.bottom))]
        for box in mine.boxes
    )
    assert len(ours) > 1
    assert [row[0] for row in theirs] == [row[0] for row in ours]
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(np.array(a[1:], dtype=float), np.array(b[1:], dtype=float), atol=0.15)


def test_answers_in_steps_are_refused_where_they_hold_corners_and_scores() -> None:
    steps = QuantPlan(integer_ends=True)
    with pytest.raises(UsageError, match="corners and scores cannot share a step; choose --input float32 or uint8"):
        refuse_shared_step(timid_detector().spec, steps)
    refuse_shared_step(segmenter().spec, steps)
    refuse_shared_step(timid_detector().spec, QuantPlan())


def test_only_nets_that_resize_are_asked_about_resizes() -> None:
    classifier = find("mobilenet_v3_small")
    assert absent_kinds(classifier) == {Kind.RESIZE}
    assert absent_kinds(segmenter().spec) == frozenset()
    assert float_ends(classifier) == float_ends(segmenter().spec) == ()
