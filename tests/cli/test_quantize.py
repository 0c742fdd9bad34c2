"""``quantize`` as typed: what it prints, what it keeps, how it ends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgesmith.cli.main import run
from edgesmith.core.files import sha256_file
from edgesmith.deploy.bundle import open_bundle
from edgesmith.devices.measure import measure
from edgesmith.devices.plan import Plan
from edgesmith.recipes import quantize
from edgesmith.recipes.int8_score import compare_files

KEYS = {
    "format", "device", "path", "kept", "refused", "bytes", "plan", "metrics", "latency", "comparisons", "reasons",
    "trials", "sensitivity", "per_block_sqnr", "in_float", "shares", "kernels", "input", "output", "notes",
}  # fmt: skip


@pytest.fixture
def bundle(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to work on; its files are timed for a moment only."""

    def quickly(subjects: Sequence[Any], devices: Sequence[Any], **_: Any) -> Any:
        return measure(subjects, devices, plan=Plan(limit_s=1.0, loads=2))

    monkeypatch.setattr(quantize, "measure", quickly)
    shutil.copytree(trained / "bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in folder.iterdir()}


def quantized(capsys: pytest.CaptureFixture[str], bundle: Path, digits: Path, *options: str) -> tuple[int, str]:
    code = run(["quantize", str(bundle), str(digits), "--calibration", "16", "--keep-slow", *options])
    return code, capsys.readouterr().out


@pytest.mark.slow
def test_case_q1_what_loses_more_than_is_allowed_is_not_kept(
    capsys: pytest.CaptureFixture[str],
    bundle: Path,
    digits: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that is right three points less often; nothing of the bundle is touched, and the command fails."""

    def worse(*arguments: Any) -> dict[str, Any]:
        return compare_files(*arguments) | {"loss": 0.03, "loss_low": 0.01, "loss_high": 0.05}

    monkeypatch.setattr(quantize, "compare_files", worse)
    before = contents(bundle)
    code, out = quantized(capsys, bundle, digits, "--whole", "--max-loss", "2", "--json")
    (file,) = json.loads(out)["files"]
    assert code == 1
    assert file["refused"].startswith("it loses 3.0 points of top-1 (95 % interval 1.0 to 5.0), more than --max-loss 2")
    assert (file["kept"], file["path"]) == (False, None)
    assert contents(bundle) == before
    assert set(file) == KEYS


@pytest.mark.slow
def test_case_q1_the_json_names_what_each_part_gives_back(
    capsys: pytest.CaptureFixture[str], bundle: Path, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize, "parts_of", lambda _: ("blocks.0", "blocks.3", "head"))
    code, out = quantized(capsys, bundle, digits, "--json")
    assert code == 0
    (file,) = json.loads(out)["files"]
    assert {each["part"] for each in file["sensitivity"]} == {"blocks.0", "blocks.3", "head"}
    assert all(set(each) == {"part", "error", "points", "ms"} for each in file["sensitivity"])
    errors = [each["error"] for each in file["sensitivity"]]
    assert errors == sorted(errors, reverse=True)
    blocks = len(open_bundle(bundle).manifest.spec.blocks)
    assert [each["part"] for each in file["per_block_sqnr"]] == [*(f"blocks.{i}" for i in range(blocks)), "head"]
    assert set(file["shares"]) == {"float", "int8"}
    assert file["kernels"] is None or file["kernels"]["judged_by"] == "steps"
    assert (file["input"]["dtype"], file["output"]["dtype"]) == ("float32", "float32")


@pytest.mark.slow
def test_case_q11_the_file_takes_pixels_and_scores_like_the_other(
    capsys: pytest.CaptureFixture[str], bundle: Path, digits: Path
) -> None:
    code, out = quantized(capsys, bundle, digits, "--whole", "--input", "uint8", "--json")
    (file,) = json.loads(out)["files"]
    assert code == 0
    assert file["input"]["dtype"] == "uint8"
    code, out = quantized(capsys, bundle, digits, "--whole", "--max-loss", "50")
    assert code == 0
    assert f"top-1 {file['metrics']['top1']:.1%} " in out
    assert "  computes in float: " in out
    kept = open_bundle(bundle)
    record = next(record for record in kept.manifest.files if record.path == "model-int8-uint8.onnx")
    assert record.preprocessing_inside
    assert "PREPROCESSING_INSIDE = True" in (bundle / record.samples[0]).read_text()
    assert kept.manifest.latency[-2]["file"] == "model-int8-uint8.onnx"


def test_predicting_with_an_int8_file_that_is_not_there_says_how_to_make_one(
    capsys: pytest.CaptureFixture[str], trained: Path, digits: Path
) -> None:
    assert run(["predict", str(trained), str(digits), "--device", "onnxruntime:int8"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "has no int8 onnx file; make one: edgesmith quantize" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--input", "uin8"], "unknown input 'uin8'; did you mean 'uint8'"),
        (["--input", "int8"], "int8 onnx files take float32 pictures or uint8 pixels here, not int8"),
        (["--max-loss", "200"], "--max-loss is in points of top-1, mIoU or mAP, 0 to 100, got 200"),
        (["--device", "litert", "--reduce-range", "on"], "litert's quantizer has no weights of seven bits"),
    ],
)
def test_wrong_wishes_are_told_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], trained: Path, options: list[str], message: str
) -> None:
    assert run(["quantize", str(trained), "nowhere", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
