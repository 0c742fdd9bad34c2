"""Boxes that a file leaves after its own suppression are those that edgesmith finds in a file without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from edgesmith.core.errors import UsageError
from edgesmith.deploy.base import SINGLE, ExportedFile, ExportOptions
from edgesmith.deploy.bundle import Bundle, open_bundle, write_bundle
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.predict_boxes import BoxPredictor, predict_boxes
from edgesmith.deploy.suppression import check_suppressed, suppress_inside
from edgesmith.runtimes.table import runtime_for
from edgesmith.tasks.boxes import BoxRule, as_answers, find_boxes
from tests.deploy.models import noise_pictures
from tests.deploy.test_predict_boxes import CLASSES, RULE, small_detector


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[ExportedFile, ExportedFile]:
    folder = tmp_path_factory.mktemp("files")
    spec, net = small_detector()
    plain = FORMATS["onnx"].export(net, spec, folder / "model.onnx", options=SINGLE)
    return plain, suppress_inside(plain, folder / "model-nms.onnx")


@pytest.fixture(scope="module")
def bundle(files: tuple[ExportedFile, ExportedFile], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    spec, net = small_detector()
    return write_bundle(
        tmp_path_factory.mktemp("detector") / "bundle",
        name="detector",
        task="detection",
        spec=spec,
        module=net,
        classes=CLASSES,
        preprocessing=RULE,
        files=[(file, None) for file in files],
        metrics={},
        provenance={},
    )


def test_the_file_says_what_it_answers(files: tuple[ExportedFile, ExportedFile]) -> None:
    plain, suppressed = files
    assert (plain.suppressed, suppressed.suppressed) == (False, True)
    assert suppressed.output is not None
    assert (suppressed.output.name, suppressed.output.shape) == ("boxes", (None, 6))
    assert suppressed.operators["NonMaxSuppression"] == 1
    assert "answers 0 to 100 boxes of at least 0.01" in suppressed.notes[-1]
    (output,) = onnx.load(str(suppressed.path)).graph.output
    assert output.type.tensor_type.shape.dim[0].dim_param == "num_boxes"


def test_boxes_are_those_found_outside(files: tuple[ExportedFile, ExportedFile]) -> None:
    plain, suppressed = files
    parity = check_suppressed(
        plain.path, suppressed.path, noise_pictures(6, 96, 128), preprocessing=RULE, num_classes=2
    )
    assert parity.passed
    assert (parity.judged_by, parity.num_pictures, parity.top1_agreement) == ("boxes", 6, 1.0)
    assert parity.relative < 1e-6


def test_other_limits_hold_too(files: tuple[ExportedFile, ExportedFile], tmp_path: Path) -> None:
    plain, _ = files
    rule = BoxRule(least_score=0.05, iou=0.3, per_class=20, most=7)
    file = suppress_inside(plain, tmp_path / "few.onnx", rule=rule)
    image = RULE.normalize(noise_pictures(1, 96, 128))
    answers, rows = (
        np.asarray(runtime_for(".onnx").load(each.path).run(image), dtype=np.float32) for each in (plain, file)
    )
    wanted = find_boxes(answers[0], rule)
    assert rows.shape == (7, 6)
    np.testing.assert_allclose(rows[:, :4], wanted.boxes, atol=1e-6)
    np.testing.assert_allclose(rows[:, 4], wanted.scores, atol=1e-6)
    assert rows[:, 5].astype(int).tolist() == wanted.classes.tolist()


def test_case_b6_no_box_is_an_answer_without_rows(files: tuple[ExportedFile, ExportedFile], tmp_path: Path) -> None:
    file = suppress_inside(files[0], tmp_path / "none.onnx", rule=BoxRule(least_score=1.0))
    rows = runtime_for(".onnx").load(file.path).run(RULE.normalize(noise_pictures(1, 96, 128)))
    assert rows.shape == (0, 6)
    assert len(find_boxes(as_answers(np.zeros((100, 6), np.float32), 2), BoxRule())) == 0


def test_one_picture_a_run(files: tuple[ExportedFile, ExportedFile], tmp_path: Path) -> None:
    spec, net = small_detector()
    pair = FORMATS["onnx"].export(net, spec, tmp_path / "pair.onnx", options=ExportOptions(batch=2))
    with pytest.raises(UsageError, match="one picture a run"):
        suppress_inside(pair, tmp_path / "pair-nms.onnx")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(noise_pictures(1, 150, 240)[0]).save(tmp_path / "one.png")
    return tmp_path / "one.png"


def test_predict_and_the_python_sample_find_the_same_boxes(bundle: Bundle, picture: Path, tmp_path: Path) -> None:
    file = bundle.folder / "model-nms.onnx"
    (plain,) = predict_boxes(BoxPredictor.load(bundle), [picture], out=tmp_path / "a").pictures
    (found,) = predict_boxes(BoxPredictor.load(bundle, file=file), [picture], out=tmp_path / "b").pictures
    assert len(found.boxes) > 1
    assert found.boxes == plain.boxes
    record = next(each for each in open_bundle(bundle.folder).manifest.files if each.suppressed)
    assert record.samples == ("sample_model-nms_onnxruntime.py",)
    sample = bundle.folder / record.samples[0]
    done = subprocess.run([sys.executable, sample, picture], check=True, capture_output=True, text=True)
    wanted = [
        f"{box.score:.4f}  {box.name}  {box.left:.1f} {box.top:.1f} {box.right:.1f} {box.bottom:.1f}".split()
        for box in found.boxes
    ]
    theirs = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[:2] for row in theirs] == [row[:2] for row in wanted]
    for mine, its in zip(wanted, theirs, strict=True):
        np.testing.assert_allclose(np.array(its[2:], float), np.array(mine[2:], float), atol=0.15)
