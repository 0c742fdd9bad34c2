"""YOLO's text files: boxes in shares, and every file that is none is a fault of its picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.core.errors import DataError
from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.fix import fix
from edgesmith.data.pack import pack
from edgesmith.data.pictures import PictureError
from edgesmith.data.samples import Box
from tests.data.box_sets import NAMES, paint

GOOD = "1 0.5 0.5 0.25 0.5\n\n0 0.1 0.1 0.1 0.1\n"


def write_yolo(root: Path, labels: dict[str, str], *, names: str = "names: [red, blue]") -> Path:
    """The same pictures and label files in train and val; pictures have 96x72 pixels."""
    for split in ("train", "val"):
        for folder in ("images", "labels"):
            (root / folder / split).mkdir(parents=True, exist_ok=True)
        for number, (stem, text) in enumerate(labels.items()):
            paint([], number + 10 * (split == "val")).save(root / "images" / split / f"{stem}.png")
            (root / "labels" / split / f"{stem}.txt").write_text(text)
    (root / "data.yaml").write_text(f"path: .\n{names}\n")
    return root


@pytest.mark.parametrize("names", ["names: [red, blue]", "names:\n  0: red\n  1: blue"])
def test_boxes_and_names(tmp_path: Path, names: str) -> None:
    write_yolo(tmp_path, {"a": GOOD, "b": ""}, names=names)
    (tmp_path / "labels" / "train" / "b.txt").unlink()
    dataset = datasets.open(tmp_path)
    assert (dataset.task, dataset.classes) == ("detection", NAMES)
    first, second = dataset.samples("train")
    assert first.boxes[0] == Box(1, 0.375, 0.25, 0.625, 0.75)
    assert not second.boxes
    assert not dataset.problems
    (tmp_path / "data.yaml").unlink()
    with pytest.raises(DataError, match=r"no names: write data\.yaml"):
        datasets.open(tmp_path)


def test_an_outline_is_the_box_that_it_spans(tmp_path: Path) -> None:
    dataset = datasets.open(write_yolo(tmp_path, {"a": "0 0.2 0.3 0.6 0.25 0.5 0.75\n1 0.5 0.5 0.2 0.2 0.93\n"}))
    assert dataset.samples("train")[0].boxes[0] == Box(0, 0.2, 0.25, 0.6, 0.75)
    assert dataset.samples("train")[0].boxes[1] == Box(1, 0.4, 0.4, 0.6, 0.6), "a last number is a score"


FAULTS = {
    "class": ("2 0.5 0.5 0.25 0.5\n", r"labels/train/class.txt, line 1: class 2, but there are 2 (0 to 1)"),
    "words": (f"{GOOD}red 0.5\n", "line 4: not 'class x y width height': 'red 0.5'"),
    "short": ("1 0.5 0.5 0.25\n", "line 1: not 'class x y width height': '1 0.5 0.5 0.25'"),
    "half": ("0.5 0.5 0.5 0.25 0.5\n", "line 1: class 0.5, but there are 2"),
    "nan": ("nan 0.5 0.5 0.25 0.5\n", "line 1: class nan, but there are 2"),
}


def test_every_faulty_file_is_named_at_once_and_left_out(tmp_path: Path) -> None:
    root = write_yolo(
        tmp_path / "set", {"good": GOOD, "other": "0 0.5 0.5 0.5 0.5"} | {k: v[0] for k, v in FAULTS.items()}
    )
    dataset = datasets.open(root)
    report = check(dataset)
    told = {problem.file: problem for problem in report.problems if problem.file.startswith("images/train")}
    assert set(told) == {f"images/train/{name}.png" for name in FAULTS}
    for name, (_, detail) in FAULTS.items():
        assert told[f"images/train/{name}.png"].kind == "bad_annotation"
        assert detail in told[f"images/train/{name}.png"].detail
    assert (report.ok, report.num_images) == (False, 4)
    with pytest.raises(PictureError, match=r"images/train/class\.png: labels/train/class\.txt, line 1"):
        datasets.load_sample(dataset, dataset.samples("train")[0])
    with pytest.raises(PictureError, match="check --fix DIR writes a set without such pictures"):
        pack(dataset, tmp_path / "shards")
    fixed = fix(dataset, report, tmp_path / "clean")
    assert {each.file for each in fixed.left_out} == set(told) | {name.replace("train", "val") for name in told}
    assert check(datasets.open(tmp_path / "clean")).ok
    assert fixed.num_kept == 4


def test_boxes_beyond_the_border_are_judged_in_pixels(tmp_path: Path) -> None:
    """Of 96 pixels a share of 0.05 is five, one of 0.005 half a pixel."""
    labels = {
        "far": "0 0.02 0.5 0.14 0.5",
        "near": "0 0.095 0.5 0.2 0.5",
        "out": "0 1.5 0.5 0.2 0.5",
        "thin": "0 0.5 0.5 0.005 0.5",
    }
    dataset = datasets.open(write_yolo(tmp_path, labels))
    told = {p.file: p.detail for p in dataset.problems if p.kind == "bad_box" and "/train/" in p.file}
    assert told == {
        "images/train/far.png": "line 1 of labels/train/far.txt: it reaches 5 pixels beyond the picture; cut",
        "images/train/out.png": "line 1 of labels/train/out.txt: the box 134.4, 18, 153.6, 54 lies outside the "
        "picture; left out",
        "images/train/thin.png": "line 1 of labels/train/thin.txt: the box 47.76, 18, 48.24, 54 is less than half a "
        "pixel wide or high in the picture; left out",
    }
    boxes = {sample.name: sample.boxes for sample in dataset.samples("train")}
    (far,) = boxes["images/train/far.png"]
    assert (far.left, far.top, far.right, far.bottom) == pytest.approx((0.0, 0.25, 0.09, 0.75))
    assert not boxes["images/train/thin.png"]


def test_labels_of_no_picture_are_remarked_and_name_files_are_no_labels(tmp_path: Path) -> None:
    write_yolo(tmp_path, {"a": GOOD, "b": GOOD})
    (tmp_path / "images" / "train" / "b.png").unlink()
    (tmp_path / "labels" / "train" / "classes.txt").write_text("red\nblue\n")
    missing = [problem for problem in datasets.open(tmp_path).problems if problem.kind == "missing"]
    assert [(each.file, each.detail) for each in missing] == [
        ("images/train/b", "labels/train/b.txt is of it; passed over")
    ]
