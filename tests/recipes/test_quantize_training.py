"""Training for int8 from a bundle: what it wins back, what it writes, and what it refuses."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Activation
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import RunError, UsageError
from edgesmith.deploy.bundle import Bundle, load_module, open_bundle, write_bundle
from edgesmith.recipes.models import Model
from edgesmith.recipes.quantize import quantize_model
from edgesmith.recipes.quantize_training import Training, train_and_quantize
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.train import train_model
from tests.recipes.task_sets import TASKS

RELU = Activation.RELU
SPEC = NetSpec(
    name="plain",
    family="test",
    blocks=(
        Conv(out_channels=16, kernel_size=3, stride=2, activation=RELU),
        InvertedResidual(kernel_size=3, expand_channels=48, out_channels=24, activation=RELU, stride=2),
        InvertedResidual(kernel_size=3, expand_channels=72, out_channels=32, activation=RELU, stride=2),
    ),
    head=Classifier(),
    resolution=(32, 32),
    num_classes=10,
)
QUICK = ("workers=0", "batch_size=32", "augment.flip=0", "augment.scale=0.7,1.0")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digits") / "digits.zip"
    write_digits(path)
    return path


@pytest.fixture(scope="module")
def trained(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return train_model(
        Model(name="plain", spec=SPEC),
        str(digits),
        out=tmp_path_factory.mktemp("run") / "run",
        settings=("pictures=6000", "schedule.warmup_pictures=200", *QUICK),
        weights="none",
    ).bundle


def uneven(bundle: Bundle, folder: Path) -> Model:
    """The same function from channels whose sizes span a factor of 1000: each is scaled up, its reader's weights down.

    One step for a whole activation then leaves nothing of the small channels.
    """
    net, manifest = load_module(bundle), bundle.manifest
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for block in ("blocks.1", "blocks.2"):
            gain, shift = (net.get_parameter(f"{block}.depthwise.norm.{name}") for name in ("weight", "bias"))
            scale = 1000 ** torch.rand(len(gain), generator=random)
            gain.mul_(scale)
            shift.mul_(scale)
            net.get_parameter(f"{block}.project.conv.weight").div_(scale.view(1, -1, 1, 1))
    made = write_bundle(
        folder,
        name=manifest.name,
        task=manifest.task,
        spec=manifest.spec,
        module=net,
        classes=manifest.classes,
        preprocessing=manifest.preprocessing,
        files=[],
        metrics={},
        provenance={"picture_licence": "public domain"},
    )
    return Model(name=manifest.name, spec=manifest.spec, bundle=made)


@pytest.mark.slow
def test_training_wins_back_what_int8_lost(trained: Bundle, digits: Path, tmp_path: Path) -> None:
    model = uneven(trained, tmp_path / "uneven")
    lost = quantize_model(model, str(digits), "onnxruntime", mixed=False, calibration=100)["files"][0]["metrics"]
    assert lost["loss"] > 0.1, "the case must be one that int8 is bad at"
    before = {path.name: path.read_bytes() for path in (tmp_path / "uneven").iterdir() if path.is_file()}
    training = Training(out=tmp_path / "run", settings=("pictures=24000", "optim.learning_rate=1e-3", *QUICK))
    found = train_and_quantize(
        model, str(digits), "onnxruntime", training=training, mixed=False, keep_slow=True, calibration=100
    )
    won = found["files"][0]["metrics"]
    assert found["training"]["top1_before"] == pytest.approx(lost["top1_float"], abs=0.01)
    assert won["top1"] > lost["top1_float"] - 0.2 * lost["loss"], "at least four fifths of it"
    assert won["loss"] < 0.2 * lost["loss"], "by bearing int8, not by better weights in float alone"
    bundle = open_bundle(Path(found["training"]["bundle"]))
    assert found["files"][0]["path"] == str(bundle.folder / "model-int8.onnx")
    assert found["training"]["pictures"] >= 24000 - 16
    assert found["training"]["metrics"]["top1"] == pytest.approx(won["top1_float"], abs=0.01)
    assert bundle.manifest.provenance["trained_for_int8_from"] == model.name
    assert bundle.manifest.provenance["picture_licence"] == "public domain"
    assert bundle.manifest.spec == SPEC
    assert all((tmp_path / "uneven" / name).read_bytes() == data for name, data in before.items())
    with pytest.raises(RunError, match="is finished"):
        train_and_quantize(
            model, str(digits), "onnxruntime", training=training, mixed=False, keep_slow=True, calibration=100
        )


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_nets_for_places_train_for_int8_too(task: str, tmp_path: Path) -> None:
    chosen, few = TASKS[task], ("pictures=48", "batch_size=8", "workers=0", "replicas=1")
    data = str(chosen.write(tmp_path / "set", {"train": 24, "val": 8}))
    model = Model(name="small", spec=chosen.net)
    trained = train_model(model, data, out=tmp_path / "run", settings=few, weights="none").bundle
    found = train_and_quantize(
        Model(name="small", spec=trained.manifest.spec, bundle=trained),
        data,
        "onnxruntime",
        training=Training(out=tmp_path / "int8", settings=few),
        mixed=False,
        keep_slow=True,
        calibration=8,
    )
    told, bundle = found["training"], open_bundle(Path(found["training"]["bundle"]))
    assert told["pictures"] == 48
    assert {f"{chosen.key}_before", "metrics"} <= told.keys()
    assert bundle.manifest.task == task
    assert bundle.manifest.spec.head == trained.manifest.spec.head
    (made,) = found["files"]
    assert made["metrics"][f"{chosen.key}_float"] == pytest.approx(told["metrics"][chosen.key], abs=0.02)


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("resolution_steps=0.5,1.0", r"resolution_steps must be 1.0, got 0.5,1"),
        ("precision=bf16", "precision must be 32, got bf16"),
        ("optim.learning_rat=1", "did you mean 'optim.learning_rate'"),
    ],
)
def test_what_a_traced_net_cannot_is_refused_before_any_work(
    trained: Bundle, tmp_path: Path, setting: str, wanted: str
) -> None:
    model, out = Model(name="plain", spec=SPEC, bundle=trained), tmp_path / "run"
    with pytest.raises(UsageError, match=wanted) as caught:
        train_and_quantize(model, "nowhere", "onnxruntime", training=Training(out=out, settings=(setting,)))
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_pictures_of_other_classes_are_refused_with_the_way_out(trained: Bundle, digits: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(digits) as archive:
        archive.extractall(tmp_path / "set")
    root = next(path.parent for path in (tmp_path / "set").rglob("train"))
    for split in ("train", "val"):
        shutil.copytree(root / split / "9", root / split / "ten")
    model, out = Model(name="plain", spec=SPEC, bundle=trained), tmp_path / "run"
    with pytest.raises(UsageError, match=r"does not know 1 of the 11 classes of .*'ten'; train it on them first"):
        train_and_quantize(model, str(root), "onnxruntime", training=Training(out=out))
    assert not out.exists()
