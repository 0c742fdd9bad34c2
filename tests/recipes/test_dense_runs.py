"""A segmenter from pictures to a bundle: trained, scored, asked, and begun from a classifier's weights."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import open_bundle
from edgesmith.deploy.predict_masks import MaskPredictor, predict_masks
from edgesmith.nn.build import build
from edgesmith.recipes.api import fit as preset_fit
from edgesmith.recipes.evaluate import evaluate_model
from edgesmith.recipes.export import export_model
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.int8_wishes import Wishes
from edgesmith.recipes.material import open_material
from edgesmith.recipes.model_files import open_file
from edgesmith.recipes.models import resolve
from edgesmith.recipes.quantize import quantize_model
from edgesmith.recipes.start import Start
from edgesmith.recipes.task_nets import net_for, sized_for
from edgesmith.recipes.teacher import check_teacher
from edgesmith.recipes.train import TrainOutcome, train_model
from edgesmith.weights.imported import Imported
from tests.data.builders import write_pictures
from tests.data.shapes import CLASSES, write_shapes
from tests.deploy.models import make_model, tiny_spec, write_plain_bundle

SETTINGS = ("pictures=2400", "batch_size=8", "schedule.warmup_pictures=80", "replicas=1", "workers=0", "ema_decay=0.9")


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"), {"train": 32, "val": 8, "test": 8})


@pytest.fixture(scope="module")
def trained(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainOutcome:
    out = tmp_path_factory.mktemp("run") / "train"
    model = resolve("mobilenet_v3_small@width=0.5")
    return train_model(model, str(shapes), out=out, settings=SETTINGS, weights="none")


def test_a_classifier_of_the_zoo_becomes_a_segmenter_that_learns(trained: TrainOutcome, shapes: Path) -> None:
    manifest = trained.bundle.manifest
    assert (manifest.task, manifest.classes) == ("segmentation", CLASSES)
    assert manifest.spec.head.kind == "lr_aspp"
    assert manifest.spec.resolution == (48, 64), "the pictures' own shape"
    metrics = trained.score.metrics()
    assert metrics["split"] == "test"
    assert metrics["miou"] > 0.6
    parity = manifest.files[0].parity
    assert parity is not None
    assert parity.relative < 1e-4


def test_weights_and_file_score_alike(trained: TrainOutcome, shapes: Path) -> None:
    model = resolve(str(trained.bundle.folder))
    in_torch = evaluate_model(model, str(shapes))
    in_file = evaluate_model(model, str(shapes), device="onnxruntime")
    assert in_torch["task"] == "segmentation"
    assert in_file["metrics"]["miou"] == pytest.approx(in_torch["metrics"]["miou"], abs=1e-3)
    assert in_file["metrics"]["miou"] == pytest.approx(trained.score.metrics()["miou"], abs=1e-6)
    assert [row["class"] for row in in_file["metrics"]["per_class"]] == list(CLASSES)


def test_a_file_without_the_last_resize_scores_alike(trained: TrainOutcome, shapes: Path, tmp_path: Path) -> None:
    model = resolve(str(trained.bundle.folder))
    wanted = evaluate_model(model, str(shapes), device="onnxruntime")["metrics"]
    (file,) = export_model(model, "onnx", out=tmp_path / "export", upsampling=False, data=str(shapes))["files"]
    assert (file["resize_left"], file["output"]["shape"][2:]) == ("aligned", [6, 8])
    path = trained.bundle.folder / "model-coarse.onnx"
    found = evaluate_model(resolve(str(path)), str(shapes))["metrics"]
    assert found["miou"] == pytest.approx(wanted["miou"], abs=1e-4)
    predictors = [MaskPredictor.load(trained.bundle, file=each) for each in (None, path)]
    for picture in sorted((shapes / "test" / "images").iterdir()):
        with Image.open(picture) as image:
            ours, theirs = (predictor.mask(image.convert("RGB")) for predictor in predictors)
        assert (ours == theirs).mean() > 0.999


def test_predictions_are_those_that_were_scored(trained: TrainOutcome, shapes: Path, tmp_path: Path) -> None:
    predictor = MaskPredictor.load(trained.bundle)
    found = predict_masks(predictor, [shapes / "test" / "images"], out=tmp_path)
    assert len(found.pictures) == 8
    for index, each in enumerate(found.pictures):
        with Image.open(each.mask) as mask:
            assert np.array_equal(np.asarray(mask), trained.score.answers[index])


def test_a_smaller_segmenter_learns_from_a_trained_one_alone(
    trained: TrainOutcome, shapes: Path, tmp_path: Path
) -> None:
    """The labels have no share of the loss: what it knows in the end comes from its teacher."""
    teacher = str(trained.bundle.folder)
    done = train_model(
        resolve("mobilenet_v3_small@width=0.35"),
        str(shapes),
        out=tmp_path / "student",
        settings=(*SETTINGS, "distill.share=1"),
        weights="none",
        teacher=teacher,
    )
    assert done.bundle.manifest.provenance["teacher"] == {"source": teacher, "share": 1.0, "temperature": 2.0}
    assert done.score.metrics()["miou"] > 0.5
    score = evaluate_model(resolve(str(done.bundle.folder)), str(shapes), device="onnxruntime")["metrics"]
    assert score["miou"] == pytest.approx(done.score.metrics()["miou"], abs=1e-6)


def test_a_teacher_of_another_task_is_refused_before_any_work(
    trained: TrainOutcome, shapes: Path, tmp_path: Path
) -> None:
    classifier = write_plain_bundle(tmp_path / "classifier", make_model(tiny_spec()), []).folder
    dataset, rule = datasets.open(shapes), trained.bundle.manifest.preprocessing
    check_teacher(str(trained.bundle.folder), dataset, rule)
    with pytest.raises(UsageError, match="is for classification, and these pictures are for segmentation"):
        check_teacher(str(classifier), dataset, rule)
    with pytest.raises(UsageError, match="is for classification, and these pictures are for segmentation") as caught:
        train_model(
            resolve("mobilenet_v3_small@width=0.5"),
            str(shapes),
            out=tmp_path / "out",
            weights="none",
            teacher=str(classifier),
        )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_bundle_of_another_task_is_refused(trained: TrainOutcome, tmp_path: Path) -> None:
    classes = write_pictures(tmp_path / "classes", {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1})
    with pytest.raises(UsageError, match=r"is for segmentation, and the pictures of .* are for classification"):
        evaluate_model(resolve(str(trained.bundle.folder)), str(classes))
    with pytest.raises(UsageError, match=r"is a network for segmentation, and .* is for classification"):
        train_model(resolve("lraspp_mobilenet_v3_small"), str(classes), out=tmp_path / "out", weights="none")


@pytest.mark.slow
def test_an_int8_file_is_scored_by_its_own_figure_and_answers_like_the_float_file(
    trained: TrainOutcome, shapes: Path, tmp_path: Path, quick_measure: None
) -> None:
    folder = shutil.copytree(trained.bundle.folder, tmp_path / "bundle")
    asked = partial(quantize_model, data=str(shapes), devices="onnxruntime", calibration=12, mixed=False)
    (file,) = asked(resolve(str(folder)), keep_slow=True, wishes=Wishes(max_loss=20))["files"]
    metrics = file["metrics"]
    assert file["kept"]
    assert set(metrics) == {"miou_float", "miou", "loss", "loss_low", "loss_high", "num_images"}
    assert metrics["miou_float"] == pytest.approx(trained.score.metrics()["miou"], abs=1e-6)
    assert metrics["loss_low"] <= metrics["loss"] <= metrics["loss_high"]
    scored = evaluate_model(resolve(str(folder)), str(shapes), device="onnxruntime:int8")
    assert scored["metrics"]["miou"] == pytest.approx(metrics["miou"], abs=1e-6)
    bundle = open_bundle(folder)
    parity = bundle.manifest.files[-1].parity
    assert parity is not None
    assert parity.top1_agreement > 0.9, "of pixels"
    loaded = open_file(bundle, "onnxruntime:int8")
    found = predict_masks(MaskPredictor.of(bundle, loaded), [shapes / "test" / "images"], out=tmp_path / "out")
    assert len(found.pictures) == 8
    (refused,) = asked(resolve(str(folder)), keep_slow=True, wishes=Wishes(max_loss=0))["files"]
    assert metrics["loss"] <= 0 or "points of mIoU" in refused["refused"]


def test_pictures_of_another_task_do_not_calibrate(trained: TrainOutcome, tmp_path: Path) -> None:
    classes = write_pictures(tmp_path / "classes", {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1})
    with pytest.raises(UsageError, match=r"is for segmentation, and the pictures of .* are for classification"):
        quantize_model(resolve(str(trained.bundle.folder)), str(classes), "onnxruntime")


def test_what_is_for_classification_alone_is_said_in_one_line(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--preset is for classification so far"):
        preset_fit(str(shapes), budget="5ms", preset="paper-large", out=tmp_path / "a")


def test_a_net_that_cannot_be_a_segmenter_is_refused_with_the_reason(shapes: Path) -> None:
    dataset = open_material(str(shapes), seed=0).dataset
    with pytest.raises(UsageError, match="shufflenet_v1 cannot be a network for segmentation: a shuffle_unit cannot"):
        net_for(find("shufflenet_v1"), dataset)


def test_a_classifiers_weights_fill_the_backbone(shapes: Path) -> None:
    """Blocks before the halved stage are taken over whole; the halved ones keep the channels of largest norm."""
    material = open_material(str(shapes), seed=0)
    origin = find("mobilenet_v3_small@width=0.5,resolution=64")
    state = build(origin, seed=3).state_dict()
    rule = Preprocessing.for_resolution(64, 64)
    imported = Imported(name="x", spec=origin, state=state, preprocessing=rule, classes=("a",) * 1000, source="a test")
    start = Start(origin=imported)
    spec = sized_for(start.spec(net_for(origin, material.dataset)), material)
    net, read = start.begin(spec, material, seed=0)
    assert read == Preprocessing.for_resolution(48, 64).for_whole()
    mine = net.state_dict()
    for key in (key for key in state if key.startswith("blocks.") and int(key.split(".")[1]) < 9):
        assert torch.equal(mine[key], state[key]), key
    assert mine["blocks.9.project.conv.weight"].shape[0] == state["blocks.9.project.conv.weight"].shape[0] // 2


@pytest.mark.slow
def test_fit_finds_the_task_and_tells_it_in_its_report(shapes: Path, tmp_path: Path) -> None:
    config = FitConfig(data=str(shapes), budget="20ms", time="100s", weights="none", settings=("batch_size=8",))
    result = fit(config, out=tmp_path / "fit")
    assert result.met
    assert result.metrics["miou"] > 0.6
    assert "mIoU" in " ".join(result.summary)
    page = (tmp_path / "fit" / "report.html").read_text()
    assert "Intersection over union" in page
    assert "Worst pictures" in page
    assert "top-1" not in page
