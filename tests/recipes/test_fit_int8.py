"""int8 at the end of a fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes import fit_int8
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.run_folder import Stages

RESULT = FitResult(
    bundle=Path("bundle"),
    report=Path("report.html"),
    budget_ms=1.0,
    met=True,
    latency=(),
    metrics={},
    spec=find("mobilenet_v3_small"),
    forecast_s=1.0,
    actual_s=1.0,
    summary=("float",),
)


def told(*, kept: bool, refused: str | None) -> dict[str, Any]:
    """What `quantize_model` says."""
    score = {"loss": 0.012, "loss_low": -0.003, "loss_high": 0.027}
    file = dict.fromkeys(fit_int8._KEPT) | {
        "kept": kept,
        "refused": refused,
        "metrics": score,
        "latency": [{"ms": 1.0}, {"ms": 0.6}],
        "reasons": [],
    }
    return {"files": [file | {"trials": []}]}


@pytest.mark.parametrize(
    ("kept", "refused", "words"),
    [
        (True, None, "int8: 0.60 ms against 1.00, loses 1.2 points (-0.3 to 2.7); kept beside the float file"),
        (False, "it loses 1.2 points", "not kept: it loses 1.2 points"),
        (False, None, "not kept: it is not faster"),
    ],
)
def test_what_became_of_int8_is_told_once_and_kept(
    kept: bool, refused: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []

    def quantize(*_: Any, **settings: Any) -> dict[str, Any]:
        calls.append(settings)
        return told(kept=kept, refused=refused)

    monkeypatch.setattr(fit_int8, "quantize_model", quantize)
    monkeypatch.setattr(fit_int8, "resolve", lambda text: text)
    config = FitConfig(data="flowers.zip", budget="1ms", int8=True)
    for _ in range(2):
        done = fit_int8.with_int8(RESULT, config, num_train=90, stages=Stages(tmp_path))
        assert done.summary[0] == "float"
        assert words in done.summary[1]
        assert done.to_json()["int8"]["kept"] is kept
    assert len(calls) == 1
    assert calls[0]["calibration"] == 45
    assert calls[0]["wishes"].max_loss == 1.0


def test_a_device_without_int8_files_ends_with_the_float_file(tmp_path: Path) -> None:
    config = FitConfig(data="flowers.zip", budget="1ms", device="torch", int8=True)
    assert fit_int8.with_int8(RESULT, config, num_train=90, stages=Stages(tmp_path)) == RESULT
    assert "int8" not in RESULT.to_json()


@pytest.mark.parametrize(
    ("device", "more", "words"),
    [
        ("onnxruntime:int8,litert", {}, "a device of int8 files stands alone"),
        ("onnxruntime:int8", {"adapt": True}, "add --no-adapt"),
        ("ncnn:int8", {}, "int8"),
    ],
)
def test_what_devices_of_int8_files_cannot_is_refused_before_any_work(
    device: str, more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    config = FitConfig(data="nowhere", budget="1ms", device=device, **more)
    with pytest.raises(UsageError, match=words):
        fit(config, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_fit_for_a_device_of_int8_files_ends_with_one_that_meets_the_budget(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.zip")
    config = FitConfig(
        data=str(tmp_path / "digits.zip"),
        budget="1.5ms",
        device="onnxruntime:int8",
        time="100s",
        resolution=32,
        weights="none",
    )
    done = fit(config, out=tmp_path / "run")
    assert done.met
    assert [each["device"] for each in done.latency] == ["onnxruntime:int8"]
    assert done.int8 is not None
    assert done.int8["kept"]
    assert done.metrics["top1"] == done.int8["metrics"]["top1"] > 0.3
    assert any(record.precision == "int8" for record in open_bundle(done.bundle).manifest.files)
    assert "onnxruntime:int8" in done.report.read_text()
