"""Sets full of faults go through `check`, `train` and `evaluate`: each fault named, nothing crashed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgesmith.cli.main import run
from tests.data.hostile import write_hostile_boxes, write_hostile_classes, write_hostile_masks

SETTINGS = ("pictures=64", "batch_size=8", "workers=0", "replicas=1", "schedule.warmup_pictures=16")
SETS = [write_hostile_classes, write_hostile_boxes, write_hostile_masks]


def verb(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON and what was said meanwhile."""
    capsys.readouterr()
    code = run([*arguments, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


@pytest.mark.parametrize("write", SETS)
def test_every_fault_is_named_by_every_verb(
    write: Callable[[Path], set[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "set"
    faulty = write(root)
    assert sum(path.is_file() for path in root.rglob("*")) >= 200
    data, out = str(root), str(tmp_path / "run")

    code, report, _ = verb(capsys, "check", data)
    named = {problem["file"] for problem in report["problems"]}
    assert code == 1
    assert faulty <= named
    assert report["num_images"] >= 60

    settings = [word for each in SETTINGS for word in ("--set", each)]
    model = "mobilenet_v3_small@width=0.35,resolution=64"
    code, _, said = verb(capsys, "train", model, data, "--out", out, "--weights", "none", *settings)
    assert code == 0
    assert {name for name in faulty if name.startswith("train/")} <= {name for name in faulty if name in said}

    code, score, said = verb(capsys, "evaluate", out, data)
    assert code == 0
    assert score["split"] == "test"
    assert all(name in said for name in score["skipped"])
    left_out = {problem["file"] for problem in report["problems"] if problem["severity"] == "error"}
    assert {name for name in left_out if name.startswith("test/")} == set(score["skipped"])


def test_a_cleaned_copy_of_each_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for write in SETS:
        root, clean = tmp_path / write.__name__, tmp_path / f"{write.__name__}-clean"
        faulty = write(root)
        _, report, _ = verb(capsys, "check", str(root), "--fix", str(clean))
        assert {each["file"] for each in report["fixed"]["left_out"]} <= faulty
        code, again, _ = verb(capsys, "check", str(clean))
        assert (code, again["ok"]) == (0, True)
