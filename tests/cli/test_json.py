"""The JSON of every verb, as DESIGN section 2 fixes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgesmith.cli.main import run
from edgesmith.runtimes.table import RUNTIMES


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """Run a verb with ``--json``: its output must be JSON and nothing else."""
    capsys.readouterr()
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_models_lists_every_zoo_name_with_its_counts(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in run_json(capsys, "models")}
    assert (rows["mobilenet_v3_large"]["parameters"], rows["mobilenet_v3_large"]["madds"]) == (5_483_032, 216_589_760)
    assert rows["mobilenet_v3_small"]["published"]["top1"] == 0.674
    for row in rows.values():
        assert set(row) >= {"name", "family", "resolution", "parameters", "madds", "published", "weights"}


def test_inspect_counts_block_by_block(capsys: pytest.CaptureFixture[str]) -> None:
    facts = run_json(capsys, "inspect", "mobilenet_v3_small", "--resolution", "160")
    assert set(facts) >= {"name", "spec_hash", "model_hash", "parameters", "madds", "blocks", "preprocessing"}
    assert round(facts["madds"] / 1e6, 2) == 29.85
    assert sum(row["madds"] for row in facts["blocks"]) == facts["madds"]
    assert sum(row["parameters"] for row in facts["blocks"]) == facts["parameters"] == 2_542_856
    assert facts["blocks"][1]["in_shape"] == [16, 80, 80]


def test_inspect_of_a_bundle_adds_its_records(capsys: pytest.CaptureFixture[str], trained: Path) -> None:
    facts = run_json(capsys, "inspect", str(trained))
    assert facts["classes"] == ["0", "1"]
    assert facts["files"][0]["parity"]["passed"] is True
    assert facts["preprocessing"]["height"] == 32


@pytest.mark.parametrize("device", [[], ["--device", "onnxruntime"], ["--device", "torch"]])
def test_evaluate_scores_weights_and_files_alike(
    capsys: pytest.CaptureFixture[str], trained: Path, digits: Path, device: list[str]
) -> None:
    result = run_json(capsys, "evaluate", str(trained), str(digits), *device)
    assert (result["task"], result["split"], result["num_images"]) == ("classification", "val", 73)
    metrics = result["metrics"]
    assert 0 <= metrics["top1_low"] <= metrics["top1"] <= metrics["top1_high"] <= 1
    assert metrics["top1"] == json.loads((trained / "result.json").read_text())["metrics"]["top1"]


def test_case_d9_evaluate_tells_the_accuracy_under_a_second_rule(
    capsys: pytest.CaptureFixture[str], trained: Path, digits: Path
) -> None:
    """The digits have 32x32 pixels and the model reads all of them but a border, so that the rules differ a little."""
    result = run_json(capsys, "evaluate", str(trained), str(digits), "--device", "onnxruntime", "--resize", "plain")
    second = result["second_rule"]
    assert second["resize"] == "plain"
    assert set(second["metrics"]) == set(result["metrics"])
    assert second["metrics"]["log_loss"] != result["metrics"]["log_loss"]
    same = run_json(capsys, "evaluate", str(trained), str(digits), "--resize", "bilinear")
    assert same["second_rule"]["metrics"] == same["metrics"]
    assert run(["evaluate", str(trained), str(digits), "--resize", "pixel"]) == 2
    assert "unknown interpolation 'pixel'" in capsys.readouterr().err


def test_evaluate_sets_two_models_against_each_other(
    capsys: pytest.CaptureFixture[str], trained: Path, digits: Path
) -> None:
    result = run_json(capsys, "evaluate", str(trained), str(digits), "--against", str(trained))
    against = result["against"]
    assert (against["difference"], against["low"], against["high"], against["verdict"]) == (0, 0, 0, "tie")
    assert against["metrics"] == result["metrics"]
    assert run(["evaluate", str(trained), str(digits), "--against", str(trained)]) == 0
    assert f"+0.0 points (+0.0 to +0.0), a tie on these {result['num_images']} pictures" in capsys.readouterr().out
    assert run(["evaluate", str(trained), str(digits), "--against", "mobilenet_v3_small"]) == 2
    assert "mobilenet_v3_small is not a bundle" in capsys.readouterr().err


def test_predict_names_picture_and_classes(capsys: pytest.CaptureFixture[str], trained: Path, picture: Path) -> None:
    (answer,) = run_json(capsys, "predict", str(trained), str(picture))
    assert answer["image"] == str(picture)
    assert [each["name"] for each in answer["classes"]] in (["0", "1"], ["1", "0"])
    assert sum(each["score"] for each in answer["classes"]) == pytest.approx(1)


def test_measure_compares_a_bundle_with_a_file(
    capsys: pytest.CaptureFixture[str], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path))
    file = trained / "bundle" / "model.onnx"
    result = run_json(capsys, "measure", str(trained), str(file), "--limit", "3")
    assert set(result) == {"conditions", "latency", "comparisons"}
    assert {"threads", "runtimes", "cpu", "load"} <= set(result["conditions"])
    for each in result["latency"]:
        assert 0 < each["low_ms"] <= each["ms"] <= each["high_ms"]
        assert {"name", "device", "p90_ms", "first_run_ms", "rounds", "contended", "energy_mj"} <= set(each)
        assert each["cpu_ms"] == pytest.approx(each["ms"], rel=0.3)
    bundle, bare = result["latency"]
    assert 0 < bundle["roofline"]["bound_ms"] < bundle["ms"]
    assert bundle["roofline"]["share"] == pytest.approx(bundle["roofline"]["compute_ms"] / bundle["ms"])
    assert bare["roofline"] is None
    told = result["conditions"]["devices"]["onnxruntime"]
    assert {"cores", "threads", "version", "delegate", "energy", "aa_ratio", "aa_low", "aa_high", "aa_steady"} <= set(
        told
    )
    (pair,) = result["comparisons"]
    assert pair["low"] <= pair["ratio"] <= pair["high"]
    assert pair["verdict"] in ("faster", "slower", "cannot tell")


def test_check_counts_classes(capsys: pytest.CaptureFixture[str], digits: Path) -> None:
    result = run_json(capsys, "check", str(digits))
    assert (result["ok"], result["num_images"], set(result["classes"])) == (True, 360, {"0", "1"})


def test_check_writes_a_cleaned_set_and_a_sheet(
    capsys: pytest.CaptureFixture[str], digits: Path, tmp_path: Path
) -> None:
    sheet, clean = tmp_path / "sheet.png", tmp_path / "clean"
    result = run_json(capsys, "check", str(digits), "--sheet", str(sheet), "--fix", str(clean))
    assert set(result) == {"ok", "problems", "classes", "num_images", "splits", "sizes", "boxes", "pixels", "fixed"}
    assert (result["boxes"], result["pixels"]) == (None, None)
    assert result["fixed"] == {"path": str(clean), "num_images": 360, "left_out": []}
    assert sum(count for split in result["splits"].values() for count in split.values()) == 360
    assert sheet.is_file()
    assert run_json(capsys, "check", str(clean))["num_images"] == 360


def test_pack_counts_shards(capsys: pytest.CaptureFixture[str], digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "shards"
    result = run_json(capsys, "pack", str(digits), "--out", str(out), "--shard-size", "100kB")
    assert (result["path"], result["num_images"]) == (str(out), 360)
    assert sum(result["shards"].values()) == len(list(out.glob("*.tar")))
    assert run_json(capsys, "check", str(out))["classes"] == run_json(capsys, "check", str(digits))["classes"]


def test_export_gives_one_record_a_file(capsys: pytest.CaptureFixture[str], trained: Path, digits: Path) -> None:
    out = trained.parent / "export"
    result = run_json(capsys, "export", str(trained), "--out", str(out), "--data", str(digits), "--batch", "1")
    (file,) = result["files"]
    assert file["bytes"] == (out / "model.onnx").stat().st_size
    assert (file["format"], file["batch"], file["parity"]["passed"]) == ("onnx", 1, True)


def test_devices_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert {row["name"] for row in run_json(capsys, "devices")} == {*RUNTIMES, "torch", "agent", "adb", "browser"}
