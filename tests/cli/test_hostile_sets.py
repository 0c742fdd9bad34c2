"""Sets full of faults go through `check`, `train` and `evaluate`: each fault named, nothing crashed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgesmith.cli.main import run
from tests.data.builders import write_pictures
from tests.data.hostile import (
    write_hostile_boxes,
    write_hostile_classes,
    write_hostile_masks,
    write_hostile_voc,
    write_hostile_yolo,
)

SETTINGS = ("pictures=64", "batch_size=8", "workers=0", "replicas=1", "schedule.warmup_pictures=16")
Write = Callable[[Path], set[str]]
SETS: list[Write] = [
    write_hostile_classes,
    write_hostile_boxes,
    write_hostile_masks,
    write_hostile_yolo,
    write_hostile_voc,
]


def verb(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON and what was said meanwhile."""
    capsys.readouterr()
    code = run([*arguments, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


def _other_layouts_slowly(write: Write) -> Any:
    """Once it is open, a set with boxes is one whatever its layout was: COCO's goes through every verb by default."""
    is_other = write in (write_hostile_yolo, write_hostile_voc)
    return pytest.param(write, marks=pytest.mark.slow) if is_other else write


@pytest.mark.parametrize("write", [_other_layouts_slowly(write) for write in SETS])
def test_every_fault_is_named_by_every_verb(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
    assert {name for name in faulty if _is_of(name, "train")} <= {name for name in faulty if name in said}

    code, score, said = verb(capsys, "evaluate", out, data)
    assert code == 0
    assert score["split"] == "test"
    assert all(name in said for name in score["skipped"])
    # What is missing is not listed in its split; all else that is an error is left out of the score, and only that.
    left_out = {p["file"] for p in report["problems"] if p["severity"] == "error" and p["kind"] != "missing"}
    assert {name for name in left_out if _is_of(name, "test")} == set(score["skipped"])


def _is_of(name: str, split: str) -> bool:
    """Whether a file is of a split, in any of the layouts."""
    return any(part.startswith(split) for part in name.split("/"))


def test_a_cleaned_copy_of_each_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for write in SETS:
        root, clean = tmp_path / write.__name__, tmp_path / f"{write.__name__}-clean"
        faulty = write(root)
        _, report, _ = verb(capsys, "check", str(root), "--fix", str(clean))
        # Of two copies the evaluation's stays, and the other one was not written as a fault.
        assert {each["file"] for each in report["fixed"]["left_out"] if each["kind"] != "duplicate"} <= faulty
        code, again, _ = verb(capsys, "check", str(clean))
        assert (code, again["ok"]) == (0, True)


def test_case_d5_the_policy_error_stops_every_training_with_the_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_pictures(tmp_path / "set", {"train/a": 6, "train/b": 6, "val/a": 3, "val/b": 3})
    (root / "train" / "b" / "page.jpg").write_text("<html>404</html>")
    model = ["mobilenet_v3_small@width=0.35,resolution=32", f"{root}#bad_pictures=error"]
    for command in (["train", *model, "--weights", "none"], ["fit", model[1], "--budget", "5ms"]):
        capsys.readouterr()
        assert run([*command, "--out", str(tmp_path / "run")]) == 1
        assert f"{root}/train/b/page.jpg: " in capsys.readouterr().err.strip().splitlines()[-1]


def test_case_d8_extra_classes_stop_every_training_or_are_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_pictures(tmp_path / "set", {"train/a": 6, "train/b": 6, "val/a": 3, "val/b": 3, "val/z": 2})
    code, report, _ = verb(capsys, "check", str(root))
    assert (code, [(p["kind"], p["file"]) for p in report["problems"]]) == (1, [("extra_class", "z")])
    out = str(tmp_path / "run")
    settings = [word for each in SETTINGS for word in ("--set", each)]
    train = ["train", "mobilenet_v3_small@width=0.35,resolution=32", "--out", out, "--weights", "none", *settings]
    capsys.readouterr()
    assert run([*train, str(root)]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "class 'z' in val or test" in line
    data = f"{root}#extra_classes=ignore"
    assert verb(capsys, *train, data)[0] == 0
    code, score, _ = verb(capsys, "evaluate", out, data)
    assert (code, score["num_images"]) == (0, 6)
    assert verb(capsys, "check", data)[0] == 0
