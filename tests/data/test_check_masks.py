"""`check`, `--fix` and the contact sheet for pictures with masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.fix import fix
from edgesmith.data.masks import IGNORE
from edgesmith.data.sheet import write_sheet
from tests.data.shapes import VOID, write_shapes


def faulty(root: Path) -> Path:
    """Bad values, another size, no picture, nothing known, no mask."""
    write_shapes(root, {"train": 8, "val": 3})
    masks = root / "train" / "masks"
    Image.fromarray(np.full((48, 64), 7, dtype=np.uint8)).save(masks / "001.png")
    Image.fromarray(np.zeros((4, 5), dtype=np.uint8)).save(masks / "002.png")
    (masks / "003.png").write_bytes(b"")
    Image.fromarray(np.full((48, 64), VOID, dtype=np.uint8)).save(masks / "004.png")
    (masks / "005.png").unlink()
    return root


def test_case_s5_every_faulty_mask_is_named_with_its_values(tmp_path: Path) -> None:
    report = check(datasets.open(faulty(tmp_path)))
    assert not report.ok
    told = {problem.file: problem for problem in report.problems}
    assert "the values 7; classes are 0 to 2, ignored values 9" in told["train/images/001.png"].detail
    assert "the mask has 5x4 pixels, its picture 64x48" in told["train/images/002.png"].detail
    assert told["train/images/003.png"].kind == "bad_mask"
    assert (told["train/masks/004.png"].kind, told["train/masks/004.png"].severity) == ("void", "warning")
    assert told["train/images/005.png"].kind == "missing"
    assert report.classes["ground"] == 6, "four good ones of train less the void one, three of val"


def test_a_class_in_no_training_mask_is_said(tmp_path: Path) -> None:
    root = write_shapes(tmp_path, {"train": 2, "val": 2})
    for path in (root / "train" / "masks").iterdir():
        with Image.open(path) as image:
            mask = np.array(image)
        mask[mask == 2] = 0
        Image.fromarray(mask).save(path)
    problems = check(datasets.open(root)).problems
    assert [problem.detail for problem in problems if problem.kind == "empty_class"] == [
        "class 'disc' is in no training mask; it cannot be learned"
    ]


def test_a_cleaned_copy_is_good_and_says_what_is_not_in_it(tmp_path: Path) -> None:
    dataset = datasets.open(faulty(tmp_path / "set"))
    fixed = fix(dataset, check(dataset), tmp_path / "clean")
    assert {problem.file for problem in fixed.left_out} == {f"train/images/00{n}.png" for n in (1, 2, 3)}
    clean = datasets.open(tmp_path / "clean")
    assert check(clean).ok
    assert {split: len(samples) for split, samples in clean.splits.items()} == {"train": 4, "val": 3}
    sample = clean.samples("val")[0]
    mask = datasets.load_mask(clean, sample, datasets.load_picture(clean, sample))
    assert set(np.unique(mask)) == {0, 1, 2, IGNORE}


def test_the_sheet_shows_each_split_under_its_masks(tmp_path: Path) -> None:
    dataset = datasets.open(write_shapes(tmp_path / "set", {"train": 3, "val": 2}))
    assert write_sheet(dataset, tmp_path / "sheet.png", columns=3) == 2
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (3 * 132 + 4, 2 * 148 + 4)
