"""Bad input: one clear line on standard error, exit 1 or 2, never a traceback."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from edgesmith.cli.main import run

SMALL = "mobilenet_v3_small@width=0.35,resolution=32"


def fail(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and the single line of a command that must fail."""
    capsys.readouterr()
    code = run(list(arguments))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("edgesmith: ")]
    assert code in (1, 2)
    assert len(lines) == 1, lines
    return code, lines[0]


@pytest.mark.parametrize("budget", ["0ms", "fast", "-3", "5", "5 hours"])
def test_a_budget_without_sense_is_refused_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], budget: str
) -> None:
    code, line = fail(capsys, "fit", "nowhere", f"--budget={budget}")
    assert code == 2
    assert budget in line
    assert "5ms" in line


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["inspect", "mobilenet_v3_smal"], "did you mean 'mobilenet_v3_small'"),
        (["inspect", "mobilenet_v3_small@widht=1"], "did you mean 'width'"),
        (["inspect", "mobilenet_v3_small@rule=torchvison"], "did you mean 'torchvision'"),
        (["measure", "mobilenet_v3_small", "--device", "onnxruntim"], "did you mean 'onnxruntime'"),
        (["measure", "mobilenet_v3_small", "--device", "onnxruntime:thread=2"], "did you mean 'threads'"),
        (["train", SMALL, "nowhere", "--recipe", "smal"], "did you mean 'small'"),
        (["train", SMALL, "nowhere", "--set", "optim.learning_rat=1"], "did you mean 'optim.learning_rate'"),
        (["train", SMALL, "nowhere", "--set", "epoch=100"], "'epoch'"),
        (["train", SMALL, "nowhere", "--set", "pictures=many"], "pictures must be int"),
        (["fit", "nowhere", "--budget", "5ms", "--effort", "quik"], "did you mean 'quick'"),
        (["netadapt", SMALL, "nowhere", "--budget", "0.8x", "--rule", "slop"], "did you mean 'slope'"),
        (["netadapt", SMALL, "nowhere", "--budget", "1.2x"], "between 0 and 1, got '1.2x'"),
        (["netadapt", SMALL, "nowhere", "--budget", "0.8x", "--effort", "quik"], "did you mean 'quick'"),
        (["export", "mobilenet_v3_small", "--format", "onx"], "did you mean 'onnx'"),
        (["meazure"], "measure"),
        (["models", "--jsn"], "--json"),
    ],
)
def test_case_c1_a_wrong_name_is_answered_with_the_closest(
    capsys: pytest.CaptureFixture[str], arguments: list[str], wanted: str
) -> None:
    code, line = fail(capsys, *arguments)
    assert code == 2
    assert wanted in line


def test_case_c4_a_missing_folder_is_named_with_its_absolute_path(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, line = fail(capsys, "fit", "my set/nowhere", "--budget", "5ms")
    assert code == 1
    assert str(tmp_path / "my set" / "nowhere") in line


def write_set(digits: Path, folder: Path, keep: dict[str, set[str]]) -> Path:
    """Some classes of some splits of the digits, as folders."""
    with zipfile.ZipFile(digits) as archive:
        for name in archive.namelist():
            split, label, _ = name.split("/")
            if label in keep.get(split, set()):
                archive.extract(name, folder)
    return folder


@pytest.mark.parametrize(
    ("keep", "wanted"),
    [
        ({}, "no pictures"),
        ({"train": {"0"}, "val": {"0"}}, "only one class"),
        ({"train": {"0"}, "val": {"0", "1"}}, "'1'"),
    ],
    ids=["no pictures", "one class", "extra class in val"],
)
def test_sets_that_cannot_be_trained_on(
    capsys: pytest.CaptureFixture[str], digits: Path, tmp_path: Path, keep: dict[str, set[str]], wanted: str
) -> None:
    data = write_set(digits, tmp_path / "set", keep)
    data.mkdir(exist_ok=True)
    code, line = fail(capsys, "fit", str(data), "--budget", "5ms", "--out", str(tmp_path / "run"))
    assert code == 1
    assert wanted in line
    assert not (tmp_path / "run").exists()


def test_a_class_without_training_pictures_is_named(
    capsys: pytest.CaptureFixture[str], digits: Path, tmp_path: Path
) -> None:
    data = write_set(digits, tmp_path / "set", {"train": {"0", "1"}, "val": {"0", "1"}})
    (data / "train" / "empty").mkdir()
    code, line = fail(capsys, "train", SMALL, f"{data}#empty_classes=error", "--out", str(tmp_path / "run"))
    assert code == 1
    assert "'empty'" in line


def test_a_truncated_picture_is_named(
    capsys: pytest.CaptureFixture[str], trained: Path, picture: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "cut.png"
    broken.write_bytes(picture.read_bytes()[:-60])
    code, line = fail(capsys, "predict", str(trained), str(broken))
    assert code == 1
    assert "cut.png" in line


def test_an_impossible_budget_is_refused_with_the_fastest_net(
    capsys: pytest.CaptureFixture[str], digits: Path, tmp_path: Path
) -> None:
    code, line = fail(
        capsys, "fit", str(digits), "--budget", "1us", "--weights", "none", "--out", str(tmp_path / "run")
    )
    assert code == 1
    assert "the fastest, mobilenet_v3_small@width=0.35,resolution=32, takes" in line


def test_a_finished_folder_is_refused_and_kept(capsys: pytest.CaptureFixture[str], trained: Path, digits: Path) -> None:
    before = (trained / "result.json").read_bytes()
    settings = [
        "--weights",
        "none",
        "--set",
        "pictures=1300",
        "--set",
        "workers=0",
        "--set",
        "schedule.warmup_pictures=200",
    ]
    code, line = fail(capsys, "train", SMALL, str(digits), "--out", str(trained), *settings)
    assert code == 1
    assert "--overwrite" in line
    assert (trained / "result.json").read_bytes() == before


def test_a_folder_begun_with_another_net_is_refused(
    capsys: pytest.CaptureFixture[str], trained: Path, digits: Path
) -> None:
    code, line = fail(
        capsys, "train", "mobilenet_v3_small@resolution=32", str(digits), "--weights", "none", "--out", str(trained)
    )
    assert code == 1
    assert "other settings" in line


def test_weights_of_another_net_are_refused(
    capsys: pytest.CaptureFixture[str], trained: Path, digits: Path, tmp_path: Path
) -> None:
    weights = str(trained / "bundle" / "weights.safetensors")
    other = "mobilenet_v3_small@width=0.5,resolution=32"
    out = str(tmp_path / "run")
    code, line = fail(capsys, "train", other, str(digits), "--weights", weights, "--out", out)
    assert code == 1
    assert "the weights are of another network" in line


def test_a_changed_bundle_is_not_trusted(capsys: pytest.CaptureFixture[str], trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(trained / "bundle", copy)
    (copy / "model.onnx").write_bytes(b"something else")
    code, line = fail(capsys, "predict", str(copy), "x.png")
    assert code == 1
    assert "SHA-256" in line


def test_a_model_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, line = fail(capsys, "measure", str(tmp_path / "none.onnx"))
    assert code == 2
    assert "none.onnx does not exist" in line


def test_a_file_of_another_runtime_is_sent_to_its_device(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"")
    code, line = fail(capsys, "measure", str(tmp_path / "model.tflite"))
    assert code == 2
    assert "model.tflite is a file for litert; measure it there: --device litert" in line


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["export", SMALL, "--format", "executorch", "--batch", "any"], "executorch files are fixed to one batch size"),
        (["export", SMALL, "--batch", "many"], "batch must be a whole number or 'any', got 'many'"),
        (["export", SMALL, "--format", "ncnn", "--preprocessing-inside"], "ncnn files take scaled pictures only"),
        (["quantize", SMALL, "nowhere"], "is not a bundle"),
        (["quantize", SMALL, "nowhere", "--train"], "is not a bundle"),
        (["quantize", SMALL, "nowhere", "--time", "20m"], "--time is of the training for int8; add --train"),
        (["quantize", SMALL, "nowhere", "--set", "pictures=9"], "--set is of the training for int8; add --train"),
        (["measure", SMALL, "--device", "torch:int8"], "unknown option of device 'torch' 'int8'"),
        (["measure", SMALL, "--device", "litert:int8"], "has no trained weights to quantize"),
    ],
)
def test_what_a_format_or_a_device_cannot_is_told_before_anything_is_made(
    capsys: pytest.CaptureFixture[str], arguments: list[str], wanted: str
) -> None:
    assert wanted in fail(capsys, *arguments)[1]


def test_case_q9_dynamic_int8_is_refused_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    code, line = fail(capsys, "quantize", "bundle", "nowhere", "--dynamic")
    assert code == 2
    assert "ranges are then found once on your pictures" in line
