"""Masks and overlays of pictures, and the sample code that makes the same masks without edgesmith."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DataError, DeviceError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import Bundle, open_bundle, write_bundle
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.parity import compare, eager_function, run_pictures
from edgesmith.deploy.predict_masks import MaskPredictor, best_classes, predict_masks
from edgesmith.nn.build import build
from edgesmith.runtimes.table import runtime_for
from tests.deploy.models import noise_pictures
from tests.nn.nets import calibrate

CLASSES = ("sky", "road", "car")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small segmenter of 64x96 pixels."""
    folder = tmp_path_factory.mktemp("segmenter")
    spec = replace(find("lraspp_mobilenet_v3_small@width=0.35,filters=16,resolution=64x96"), num_classes=3)
    net = calibrate(build(spec), size=spec.resolution)
    file = FORMATS["onnx"].export(net, spec, folder / "model.onnx")
    return write_bundle(
        folder / "bundle",
        name="segmenter",
        task="segmentation",
        spec=spec,
        module=net,
        classes=CLASSES,
        preprocessing=Preprocessing.for_resolution(64, 96).for_whole(),
        files=[(file, None)],
        metrics={},
        provenance={},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of one name and one that is cut short."""
    for place, pixels in zip(("a", "b"), noise_pictures(2, 90, 120), strict=True):
        (tmp_path / "pictures" / place).mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "pictures" / place / "one.png")
    (tmp_path / "pictures" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path / "pictures"


def test_every_picture_gets_a_mask_of_its_own_size(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    predictor = MaskPredictor.load(bundle)
    found = predict_masks(predictor, [folder], out=tmp_path / "out", bad_pictures="skip")
    assert [problem.kind for problem in found.problems] == ["truncated"]
    assert [each.mask.name for each in found.pictures] == ["one_mask.png", "one-2_mask.png"]
    for each in found.pictures:
        with Image.open(each.mask) as mask, Image.open(each.overlay) as overlay:
            assert mask.mode == "P"
            assert mask.size == overlay.size == (120, 90)
            values = np.asarray(mask)
        assert values.max() < 3
        assert each.shares == {
            CLASSES[index]: pytest.approx(float((values == index).mean())) for index in np.unique(values)
        }
    with pytest.raises(DataError, match=r"bad\.png"):
        predict_masks(predictor, [folder], out=tmp_path / "out")


def test_logits_are_resized_as_the_metric_resizes_them() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 8, 12)).astype(np.float32)
    wanted = torch.nn.functional.interpolate(torch.from_numpy(logits)[None], size=(40, 61), mode="bilinear")[0]
    agreeing = (best_classes(logits, 40, 61) == wanted.argmax(dim=0).numpy()).mean()
    assert agreeing > 0.999  # ties of rounding
    assert np.array_equal(best_classes(logits, 8, 12), logits.argmax(axis=0))


def test_a_file_for_another_number_of_classes_is_told(bundle: Bundle) -> None:
    predictor = MaskPredictor.load(bundle)
    wrong = MaskPredictor(predictor._loaded, preprocessing=predictor.preprocessing, classes=("one", "two"))
    with pytest.raises(DeviceError, match=r"answers with shape \(1, 3, 64, 96\) for 2 class names"):
        wrong.mask(Image.new("RGB", (50, 40)))


def test_the_python_sample_writes_the_same_masks(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    found = predict_masks(MaskPredictor.load(bundle), [folder / "a"], out=tmp_path / "out")
    sample = bundle.folder / "sample_onnxruntime.py"
    assert {name.name for name in bundle.folder.glob("sample_*")} == {sample.name, "sample_onnxruntime.kt"}
    text = sample.read_text()
    assert text.startswith('"""Segment pictures with ONNX Runtime')
    assert "edgesmith" not in text
    subprocess.run([sys.executable, sample, folder / "a" / "one.png"], check=True, capture_output=True)
    with Image.open(folder / "a" / "one_mask.png") as theirs, Image.open(found.pictures[0].mask) as ours:
        assert np.array_equal(np.asarray(theirs), np.asarray(ours))


def test_the_bundle_says_how_pictures_are_read(bundle: Bundle) -> None:
    card = (bundle.folder / "model_card.md").read_text()
    assert "the whole picture is resized to 64x96" in card
    assert "gives every place one of them" in card
    assert open_bundle(bundle.folder, verify=True).manifest.preprocessing.is_whole


SIZES = [(224, 224), (321, 321), (480, 640)]
LARGE = (1024, 2048)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format_name", "size"),
    [
        *itertools.product((name for name, exporter in FORMATS.items() if exporter.runs_here), SIZES),
        ("onnx", LARGE),
        ("litert", LARGE),
    ],
)
def test_case_s2_any_size_is_pooled_and_its_file_answers_alike(
    format_name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    """Small maps are pooled whole, large ones by windows; the file holds whichever it is."""
    height, width = size
    name = f"lraspp_mobilenet_v3_small@width=0.35,filters=16,classes=3,resolution={height}x{width}"
    spec = find(name)
    net = calibrate(build(spec), size=(128, 128))
    exporter = FORMATS[format_name]
    file = exporter.export(net, spec, tmp_path / f"model{exporter.suffix}")
    rule = Preprocessing.for_resolution(height, width).for_whole()
    images = noise_pictures(1, height, width)
    theirs = run_pictures(runtime_for(file.path.suffix).load(file.path), images, preprocessing=rule)
    ours = eager_function(net)(rule.normalize(images))
    assert theirs.shape == (1, 3, height, width)
    assert compare(ours, theirs).passed
