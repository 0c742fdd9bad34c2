"""A detector from pictures to a bundle: trained, scored and asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.deploy.bundle import open_bundle
from edgesmith.deploy.predict_boxes import BoxPredictor, predict_boxes
from edgesmith.recipes.evaluate import evaluate_model
from edgesmith.recipes.export import export_model
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.int8_wishes import Wishes
from edgesmith.recipes.material import open_material
from edgesmith.recipes.model_files import open_file
from edgesmith.recipes.models import resolve
from edgesmith.recipes.net_forms import deployed
from edgesmith.recipes.quantize import quantize_model
from edgesmith.recipes.suppression_cost import describe_suppression, judged, measure_suppression
from edgesmith.recipes.task_nets import net_for
from edgesmith.recipes.train import TrainOutcome, train_model
from tests.data.box_sets import NAMES, write_coco

SETTINGS = (
    "pictures=2400",
    "batch_size=8",
    "schedule.warmup_pictures=160",
    "optim.learning_rate=0.003",
    "optim.weight_decay=0.01",
    "augment.policy=none",
    "replicas=1",
    "workers=0",
    "ema_decay=0.98",
)


@pytest.fixture(scope="module")
def rectangles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("rectangles"), {"train": 40, "val": 10, "test": 10})


@pytest.fixture(scope="module")
def trained(rectangles: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainOutcome:
    out = tmp_path_factory.mktemp("run") / "train"
    model = resolve("mobilenet_v3_small@width=0.5,resolution=96x128")
    return train_model(model, str(rectangles), out=out, settings=SETTINGS, weights="none")


def test_a_classifier_of_the_zoo_becomes_a_detector_that_learns(trained: TrainOutcome) -> None:
    manifest = trained.bundle.manifest
    assert (manifest.task, manifest.classes) == ("detection", NAMES)
    assert manifest.spec.head.kind == "ssdlite"
    metrics = trained.score.metrics()
    assert metrics["split"] == "test"
    assert metrics["map_50"] > 0.4
    assert metrics["map_low"] <= metrics["map"] <= metrics["map_high"]
    parity = manifest.files[0].parity
    assert parity is not None
    assert parity.relative < 1e-4


@pytest.mark.parametrize("time", [None, "1m"])
def test_a_teacher_is_refused_in_one_line_before_any_work(
    trained: TrainOutcome, rectangles: Path, tmp_path: Path, time: str | None
) -> None:
    with pytest.raises(UsageError, match="a detector has no teacher so far; leave --teacher out") as caught:
        train_model(
            resolve("mobilenet_v3_small@width=0.5,resolution=96x128"),
            str(rectangles),
            out=tmp_path / "out",
            settings=SETTINGS,
            weights="none",
            teacher=str(trained.bundle.folder),
            time=time,
        )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_weights_and_file_score_alike(trained: TrainOutcome, rectangles: Path) -> None:
    model = resolve(str(trained.bundle.folder))
    in_torch = evaluate_model(model, str(rectangles))
    in_file = evaluate_model(model, str(rectangles), device="onnxruntime")
    assert in_torch["task"] == "detection"
    assert in_file["metrics"]["map"] == pytest.approx(in_torch["metrics"]["map"], abs=1e-3)
    assert in_file["metrics"]["map"] == pytest.approx(trained.score.metrics()["map"], abs=1e-6)


def test_it_finds_what_is_there(trained: TrainOutcome, rectangles: Path, tmp_path: Path) -> None:
    found = predict_boxes(BoxPredictor.load(trained.bundle), [rectangles / "test"], out=tmp_path, least_score=0.3)
    truth = datasets.open(rectangles).samples("test")
    counts = [(len(each.boxes), len(sample.boxes)) for each, sample in zip(found.pictures, truth, strict=True)]
    assert sum(bool(mine) == bool(theirs) for mine, theirs in counts) >= 8


@pytest.mark.slow
def test_an_int8_file_is_scored_by_its_own_figure_and_finds_what_the_float_file_finds(
    trained: TrainOutcome, rectangles: Path, tmp_path: Path, quick_measure: None
) -> None:
    folder = shutil.copytree(trained.bundle.folder, tmp_path / "bundle")
    found = quantize_model(
        resolve(str(folder)), str(rectangles), "onnxruntime", calibration=12, mixed=False, keep_slow=True
    )
    (file,) = found["files"]
    metrics = file["metrics"]
    assert file["kept"]
    assert set(metrics) == {"map_float", "map", "loss", "loss_low", "loss_high", "num_images"}
    assert metrics["map_float"] == pytest.approx(trained.score.metrics()["map"], abs=1e-6)
    assert metrics["loss"] < 0.1
    scored = evaluate_model(resolve(str(folder)), str(rectangles), device="onnxruntime:int8")
    assert scored["metrics"]["map"] == pytest.approx(metrics["map"], abs=1e-6)
    bundle = open_bundle(folder)
    parity = bundle.manifest.files[-1].parity
    assert parity is not None
    assert parity.corners is not None
    assert parity.scores is not None
    assert 0 < parity.scores < 0.5
    loaded = open_file(bundle, "onnxruntime:int8")
    shown = predict_boxes(BoxPredictor.of(bundle, loaded), [rectangles / "test"], out=tmp_path / "out", least_score=0.3)
    assert sum(len(each.boxes) for each in shown.pictures) > 3


def test_answers_in_steps_are_refused_before_anything_is_read(trained: TrainOutcome) -> None:
    with pytest.raises(UsageError, match="corners and scores cannot share a step"):
        quantize_model(resolve(str(trained.bundle.folder)), "nowhere", "litert", wishes=Wishes(input="int8"))


def test_bundles_keep_the_ids_that_the_set_has(trained: TrainOutcome) -> None:
    assert open_bundle(trained.bundle.folder).manifest.category_ids == (3, 90)


@pytest.mark.slow
def test_a_file_that_suppresses_inside_scores_and_finds_alike(
    trained: TrainOutcome, rectangles: Path, tmp_path: Path
) -> None:
    plain = resolve(str(trained.bundle.folder))
    wanted = evaluate_model(plain, str(rectangles), device="onnxruntime")["metrics"]
    (file,) = export_model(plain, "onnx", out=tmp_path / "export", with_nms=True, data=str(rectangles))["files"]
    assert (file["suppressed"], file["batch"], file["parity"]["judged_by"]) == (True, 1, "boxes")
    assert (file["parity"]["pictures"], file["parity"]["num_pictures"]) == ("pictures", 10)
    assert file["parity"]["relative"] < 1e-5
    path = trained.bundle.folder / "model-nms.onnx"
    model = resolve(str(path))
    found = evaluate_model(model, str(rectangles))
    assert found["device"] == "onnxruntime"
    assert found["metrics"]["map"] == pytest.approx(wanted["map"], abs=1e-6)
    assert found["metrics"]["per_class"] == wanted["per_class"]
    with pytest.raises(UsageError, match="litert does not run"):
        evaluate_model(model, str(rectangles), device="litert")
    pictures, home = [rectangles / "test"], model.require_home()
    ours, theirs = (
        predict_boxes(BoxPredictor.load(home, file=each), pictures, out=tmp_path / "out", least_score=0.3).pictures
        for each in (None, path)
    )
    assert [each.boxes for each in ours] == [each.boxes for each in theirs]


def test_what_suppression_adds_is_measured_on_pictures(trained: TrainOutcome, rectangles: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(trained.bundle.folder, folder)
    material = open_material(str(rectangles), seed=0)
    found = measure_suppression(folder, material)
    assert Path(found["path"]) == folder / "model-nms.onnx"
    assert (found["device"], found["num_pictures"]) == ("onnxruntime", 10)
    assert found["low_ms"] <= found["ms"] <= found["high_ms"]
    assert 0 < found["boxes"] <= 100
    (record,) = [file for file in open_bundle(folder).manifest.files if file.suppressed]
    assert record.parity is not None
    assert (record.parity.passed, record.parity.pictures) == (True, "pictures")
    again = measure_suppression(folder, material)
    assert (again["path"], again["boxes"]) == (found["path"], found["boxes"])
    assert len(open_bundle(folder).manifest.files) == len(trained.bundle.manifest.files) + 1


@pytest.mark.parametrize(
    ("device", "budget_ms", "total", "met"),
    [("onnxruntime", 8.0, 6.0, True), ("onnxruntime", 6.5, 6.0, False), ("litert", 8.0, None, None)],
)
def test_suppression_is_told_beside_the_budget(
    device: str, budget_ms: float, total: float | None, met: bool | None
) -> None:
    """5 ms with an upper end of 5.5, and 1 ms with an upper end of 1.2."""
    cost = {"device": "onnxruntime", "path": "b/model-nms.onnx", "ms": 1.0, "low_ms": 0.9, "high_ms": 1.2, "boxes": 7.0}
    told = judged(cost, ({"device": device, "ms": 5.0, "low_ms": 4.5, "high_ms": 5.5},), budget_ms)
    assert (told["total_ms"], told["met"]) == (total, met)
    words = describe_suppression(told)
    assert "adds 1.00 ms (0.90 to 1.20) inside model-nms.onnx on onnxruntime, with 7 boxes a picture" in words
    assert words.endswith({True: "6.00 ms in all, within the budget", False: "beyond the budget", None: "picture"}[met])


def test_what_cannot_suppress_is_said_before_anything_is_written(trained: TrainOutcome, tmp_path: Path) -> None:
    model = resolve(str(trained.bundle.folder))
    with pytest.raises(UsageError, match="suppression goes into onnx files only, not litert"):
        export_model(model, "onnx,litert", out=tmp_path / "out", with_nms=True)
    with pytest.raises(UsageError, match="one picture a run, not 4"):
        export_model(model, "onnx", out=tmp_path / "out", with_nms=True, batch="4")
    with pytest.raises(UsageError, match="leave --with-nms out"):
        export_model(resolve("mobilenet_v3_small"), "onnx", out=tmp_path / "out", with_nms=True)
    with pytest.raises(UsageError, match="leave --without-upsampling out"):
        export_model(model, "onnx", out=tmp_path / "out", upsampling=False)
    assert not (tmp_path / "out").exists()


def test_a_trained_detector_can_be_trained_on(trained: TrainOutcome, rectangles: Path) -> None:
    """Its file's form answers with corners; the one that is trained with offsets."""
    spec = trained.bundle.manifest.spec
    again = net_for(spec, datasets.open(rectangles))
    assert deployed(again) == spec != again


def test_what_is_not_there_for_boxes_is_said(rectangles: Path) -> None:
    dataset = datasets.open(rectangles)
    with pytest.raises(UsageError, match=r"squeezenet_1_1 cannot be a network for detection: .* no block reaches"):
        net_for(find("squeezenet_1_1"), dataset)


@pytest.mark.slow
def test_fit_finds_the_task_and_tells_it_in_its_report(rectangles: Path, tmp_path: Path) -> None:
    config = FitConfig(data=str(rectangles), budget="20ms", time="150s", weights="none", settings=("batch_size=8",))
    result = fit(config, out=tmp_path / "fit")
    assert result.met
    assert "mAP" in " ".join(result.summary)
    told = result.to_json()["suppression"]
    assert told["total_ms"] == pytest.approx(result.latency[0]["ms"] + told["ms"])
    assert "suppression of overlaps, which the budget leaves out, adds" in result.summary[-1]
    page = (tmp_path / "fit" / "report.html").read_text()
    assert "Average precision" in page
    assert "Suppression of overlaps, which the budget leaves out, adds" in page
    assert "top-1" not in page
