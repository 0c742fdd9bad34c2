"""Boxes of pictures, and the sample code that finds the same ones without edgesmith."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgesmith.arch.edits.detection import with_decoding
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DataError, DeviceError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import Bundle, write_bundle
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.parity import eager_function, run_pictures
from edgesmith.deploy.predict_boxes import BoxPredictor, predict_boxes
from edgesmith.nn.build import Net, build
from edgesmith.runtimes.table import runtime_for
from edgesmith.tasks.boxes import BoxRule, find_boxes
from tests.deploy.models import noise_pictures
from tests.nn.nets import calibrate

CLASSES = ("cat", "dog")
RULE = Preprocessing.for_resolution(96, 128).for_whole()


def small_detector() -> tuple[NetSpec, Net]:
    """Answers that differ from place to place, some of them sure."""
    spec = with_decoding(find("ssdlite_mobilenet_v3_small@width=0.35,classes=2,resolution=96x128"))
    net = calibrate(build(spec), size=spec.resolution)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in net.named_parameters():
            if name.startswith("head.class") and name.endswith("conv.bias"):
                value.normal_(-2, 2, generator=random)
    return spec, net


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("detector")
    spec, net = small_detector()
    file = FORMATS["onnx"].export(net, spec, folder / "model.onnx")
    return write_bundle(
        folder / "bundle",
        name="detector",
        task="detection",
        spec=spec,
        module=net,
        classes=CLASSES,
        preprocessing=RULE,
        files=[(file, None)],
        metrics={},
        provenance={},
    )


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(noise_pictures(1, 150, 240)[0]).save(tmp_path / "one.png")
    return tmp_path / "one.png"


def test_boxes_are_pixels_of_the_picture(bundle: Bundle, picture: Path, tmp_path: Path) -> None:
    (found,) = predict_boxes(BoxPredictor.load(bundle), [picture], out=tmp_path / "out", least_score=0.4).pictures
    assert found.boxes
    scores = [box.score for box in found.boxes]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.4
    for box in found.boxes:
        assert 0 <= box.left <= box.right <= 240
        assert 0 <= box.top <= box.bottom <= 150
        assert box.name == CLASSES[box.index]
    with Image.open(found.overlay) as overlay:
        assert overlay.size == (240, 150)


def test_boxes_carry_the_ids_that_a_set_of_coco_has(bundle: Bundle, picture: Path, tmp_path: Path) -> None:
    predictor = BoxPredictor.load(bundle)
    (found,) = predict_boxes(predictor, [picture], out=tmp_path, category_ids=(18, 90)).pictures
    assert {(box.index, box.category_id) for box in found.boxes} <= {(0, 18), (1, 90)}
    (plain,) = predict_boxes(predictor, [picture], out=tmp_path).pictures
    assert {box.category_id for box in plain.boxes} == {None}


def test_case_b6_nothing_above_the_score_is_an_answer(bundle: Bundle, picture: Path, tmp_path: Path) -> None:
    (found,) = predict_boxes(BoxPredictor.load(bundle), [picture], out=tmp_path, least_score=1.0).pictures
    assert found.boxes == ()
    assert found.overlay.is_file()


def test_a_bad_picture_is_named(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"bad\.png"):
        predict_boxes(BoxPredictor.load(bundle), [tmp_path / "bad.png"], out=tmp_path / "out")
    skipped = predict_boxes(
        BoxPredictor.load(bundle), [tmp_path / "bad.png"], out=tmp_path / "out", bad_pictures="skip"
    )
    assert (len(skipped.pictures), len(skipped.problems)) == (0, 1)


def test_a_file_for_another_number_of_classes_is_told(bundle: Bundle) -> None:
    predictor = BoxPredictor.load(bundle)
    wrong = BoxPredictor(predictor._loaded, preprocessing=predictor.preprocessing, classes=("one",))
    with pytest.raises(DeviceError, match="for 1 class names"):
        wrong.find(Image.new("RGB", (50, 40)), BoxRule())


def test_the_python_sample_finds_the_same_boxes(bundle: Bundle, picture: Path, tmp_path: Path) -> None:
    (found,) = predict_boxes(BoxPredictor.load(bundle), [picture], out=tmp_path / "out").pictures
    sample = bundle.folder / "sample_onnxruntime.py"
    assert sample.read_text().startswith('"""Find objects in pictures with ONNX Runtime')
    done = subprocess.run([sys.executable, sample, picture], check=True, capture_output=True, text=True)
    theirs = sorted(line.split() for line in done.stdout.splitlines()[1:])
    mine = sorted(
        [f"{box.score:.4f}", box.name, *(f"{v:.1f}" for v in (box.left, box.top, box.right, box.bottom))]
        for box in found.boxes
    )
    assert len(mine) > 1
    assert [row[:2] for row in theirs] == [row[:2] for row in mine]
    for a, b in zip(theirs, mine, strict=True):
        np.testing.assert_allclose(np.array(a[2:], dtype=float), np.array(b[2:], dtype=float), atol=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["litert", "executorch", "openvino"])
def test_case_e10_files_hold_decoded_boxes_and_the_rest_is_done_outside(name: str, tmp_path: Path) -> None:
    """No shape depends on the data, so that every converter takes it; the boxes are those of PyTorch."""
    spec, net = small_detector()
    file = FORMATS[name].export(net, spec, tmp_path / f"model{FORMATS[name].suffix}")
    images = noise_pictures(2, 96, 128)
    theirs = run_pictures(runtime_for(file.path.suffix).load(file.path), images, preprocessing=RULE)
    ours = eager_function(net)(RULE.normalize(images))
    assert np.abs(theirs - ours).max() < 1e-4
    for mine, its in zip(ours, theirs, strict=True):
        a, b = (find_boxes(each, BoxRule(least_score=0.3)) for each in (mine, its))
        assert len(a) == len(b) > 1
        np.testing.assert_allclose(a.boxes, b.boxes, atol=1e-4)
        assert a.classes.tolist() == b.classes.tolist()
