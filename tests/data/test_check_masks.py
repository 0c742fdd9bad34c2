"""`check`, `--fix` and the contact sheet for pictures with masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.check_text import as_json, lines
from edgesmith.data.colours import class_colours
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


def test_pictures_of_one_name_have_masks_of_their_own_in_a_cleaned_copy(tmp_path: Path) -> None:
    """``a.jpg`` and ``a.png`` of two folders: a mask is found by its picture's name without the ending."""
    root, random = tmp_path / "set", np.random.default_rng(0)
    for number, (folder, name) in enumerate(
        (("train", "north/a.jpg"), ("train", "south/a.png"), ("train", "south/a.bmp"), ("val", "west/b.png"))
    ):
        image, mask = root / folder / "images" / name, (root / folder / "masks" / name).with_suffix(".png")
        for path in (image, mask):
            path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 20, (32, 40, 3)) + 80 * (number % 3)
        Image.fromarray(pixels.astype(np.uint8)).save(image)
        if not mask.exists():
            Image.fromarray(np.full((32, 40), number % 3, dtype=np.uint8)).save(mask)
    (root / "classes.json").write_text('{"names": ["dark", "grey", "light"]}')
    dataset = datasets.open(root)
    fixed = fix(dataset, check(dataset), tmp_path / "clean")
    assert fixed.num_kept == 4
    assert not [problem for problem in check(datasets.open(tmp_path / "clean")).problems if problem.kind == "bad_mask"]
    assert {path.name for path in (tmp_path / "clean" / "train" / "masks").iterdir()} == {
        "a.png",
        "a-2.png",
        "a-3.png",
    }
    clean = datasets.open(tmp_path / "clean")
    seen = []
    for sample in clean.samples("train"):
        picture = datasets.load_picture(clean, sample)
        mask_values = np.unique(datasets.load_mask(clean, sample, picture)).tolist()
        seen.append((round((float(np.asarray(picture).mean()) - 10) / 80), mask_values))
    assert sorted(seen) == [(0, [0]), (1, [1]), (2, [1])], "the last two share a mask in the set itself"


def test_figures_of_pixels_worked_by_hand(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for kind in ("images", "masks"):
            (tmp_path / split / kind).mkdir(parents=True)
        mask = np.zeros((10, 10), dtype=np.uint8)
        mask[:2], mask[2:5] = 255, 1  # 20 that nothing is known of, 30 of class 1, 50 of class 0
        Image.fromarray(mask).save(tmp_path / split / "masks" / "a.png")
        Image.new("RGB", (10, 10)).save(tmp_path / split / "images" / "a.png")
    (tmp_path / "classes.json").write_text('{"names": ["wall", "door", "lamp"]}')
    dataset = datasets.open(tmp_path)
    report = check(dataset)
    assert report.boxes is None
    assert report.pixels is not None
    assert report.pixels.classes == pytest.approx({"wall": 0.625, "door": 0.375, "lamp": 0.0})
    assert report.pixels.ignored == pytest.approx(0.2)
    assert as_json(report, None)["pixels"] == {"classes": dict(report.pixels.classes), "ignored": report.pixels.ignored}
    assert "  pixels: wall 62.5%, door 37.5%, lamp 0.0%; 20.0% of all count in nothing" in lines(dataset, report, None)


def test_the_sheet_shows_each_split_under_its_masks_and_names_their_colours(tmp_path: Path) -> None:
    dataset = datasets.open(write_shapes(tmp_path / "set", {"train": 3, "val": 2}))
    assert write_sheet(dataset, tmp_path / "sheet.png", columns=3) == 2
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    rows = 2 * (256 + 16 + 4) + 4
    assert pixels.shape[:2] == (rows + 18 + 4, 3 * 260 + 4)
    for colour in class_colours(3)[:3]:
        assert (pixels[rows:] == colour).all(axis=2).sum() >= 12 * 12, "a field of each class's colour"
