"""What is said behind DATA decides over pictures and classes that a set should not have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgesmith.core.errors import DataError, UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.cache import decode_pictures
from edgesmith.data.check import check
from edgesmith.data.pictures import PictureError
from edgesmith.data.wishes import Wishes, split_wishes
from tests.data.box_sets import write_coco
from tests.data.builders import encode, noise, write_pictures

USUAL = {"train/a": 4, "train/b": 4, "val/a": 2, "val/b": 2}


def test_several_stand_side_by_side() -> None:
    place, wishes = split_wishes("my set.zip#ignore_index=11,0#bad_pictures=error#extra_classes=ignore")
    assert place == "my set.zip"
    assert wishes == Wishes(ignore_index=(11, 0), bad_pictures="error", extra_classes="ignore")


def test_unknown_words_are_one_line_with_the_closest() -> None:
    with pytest.raises(UsageError, match="unknown setting behind set 'bad_picture'; did you mean 'bad_pictures'"):
        split_wishes("set#bad_picture=error")
    with pytest.raises(UsageError, match=r"unknown value of bad_pictures 'stop'; .*choices: error, skip"):
        split_wishes("set#bad_pictures=stop")


def test_a_folder_of_that_name_is_a_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path / "runs#lr=3", USUAL)
    assert datasets.open(tmp_path / "runs#lr=3").classes == ("a", "b")


@pytest.mark.parametrize("policy", ["skip", "error"])
def test_case_d5_the_policy_for_bad_pictures_is_chosen(tmp_path: Path, policy: str) -> None:
    write_pictures(tmp_path, USUAL)
    (tmp_path / "train" / "b" / "cut.jpg").write_bytes(encode(noise(64, 64))[:-400])
    data = datasets.open(f"{tmp_path}#bad_pictures={policy}")
    if policy == "error":
        with pytest.raises(PictureError, match=r"train/b/cut\.jpg"):
            decode_pictures(data, data.samples("train"), short_side=16, limit_bytes=10**6)
    else:
        pictures = decode_pictures(data, data.samples("train"), short_side=16, limit_bytes=10**6)
        assert [problem.file for problem in pictures.problems] == ["train/b/cut.jpg"]


def test_case_d6_an_empty_class_is_kept_with_a_warning_or_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path, USUAL | {"train/empty": 0})
    kept = datasets.open(tmp_path)
    kept.require_trainable()
    assert kept.classes == ("a", "b", "empty")
    (problem,) = check(kept).problems
    assert (problem.kind, problem.file, problem.severity) == ("empty_class", "empty", "warning")
    assert check(kept).ok
    refused = datasets.open(f"{tmp_path}#empty_classes=error")
    with pytest.raises(DataError, match=r"nothing in train shows class 'empty' of .*; add pictures, remove the class"):
        refused.require_trainable()
    assert not check(refused).ok


def test_case_d6_a_class_without_a_box_is_kept_with_a_warning_or_refused(tmp_path: Path) -> None:
    write_coco(tmp_path, {"train": 9, "val": 4})
    for path in tmp_path.glob("*/*.json"):
        data = json.loads(path.read_text())
        path.write_text(json.dumps(data | {"categories": [*data["categories"], {"id": 7, "name": "unused"}]}))
    kept = datasets.open(tmp_path)
    kept.require_trainable()
    assert [(p.kind, p.file, p.severity) for p in kept.problems] == [("empty_class", "unused", "warning")]
    with pytest.raises(DataError, match="nothing in train shows class 'unused'"):
        datasets.open(f"{tmp_path}#empty_classes=error").require_trainable()


def test_case_d8_extra_classes_stop_or_are_passed_over(tmp_path: Path) -> None:
    write_pictures(tmp_path, USUAL | {"val/Z": 1, "test/a": 1, "test/y": 2})
    stopped = datasets.open(tmp_path)
    with pytest.raises(
        DataError, match=r"classes 'Z', 'y' in val or test .*#extra_classes=ignore behind DATA; .* a, b"
    ):
        stopped.require_trainable()
    told = datasets.open(f"{tmp_path}#extra_classes=ignore")
    told.require_trainable()
    assert (told.classes, told.extra_classes) == (("a", "b"), ())
    assert {split: len(samples) for split, samples in told.splits.items()} == {"train": 8, "val": 4, "test": 1}
    report = check(told)
    assert report.ok
    assert [(p.file, p.severity, p.detail) for p in report.problems if p.kind == "extra_class"] == [
        ("Z", "warning", "class 'Z' is not in train; passed over with 1 picture of val and test"),
        ("y", "warning", "class 'y' is not in train; passed over with 2 pictures of val and test"),
    ]


def test_case_d8_labels_behind_a_passed_over_class_move_up(tmp_path: Path) -> None:
    rows = ["index,name,file"]
    for split, names in (("train", "ac"), ("val", "abc")):
        for name in names:
            for number in range(2):
                file = f"{split}/{name}{number}.png"
                (tmp_path / split).mkdir(exist_ok=True)
                (tmp_path / file).write_bytes(encode(noise(seed=len(rows)), "PNG"))
                rows.append(f"{'abc'.index(name)},{name},{file}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    told = datasets.open(f"{tmp_path}#extra_classes=ignore")
    assert told.classes == ("a", "c")
    assert [(s.name, s.label) for s in told.samples("val")] == [
        ("val/a0.png", 0),
        ("val/a1.png", 0),
        ("val/c0.png", 1),
        ("val/c1.png", 1),
    ]
