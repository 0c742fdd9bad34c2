"""Contact sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.colours import class_colours, draw_boxes, legend
from edgesmith.data.sheet import write_sheet
from tests.data.box_sets import write_coco
from tests.data.builders import write_pictures


def test_each_class_has_a_row_and_bad_pictures_are_marked(tmp_path: Path) -> None:
    root = write_pictures(tmp_path / "set", {"train/red": 3, "train/blue": 2, "val/red": 1, "val/blue": 1})
    for path in (root / "train/red").iterdir():
        Image.new("RGB", (40, 20), (255, 0, 0)).save(path)
    (root / "train/blue/000.png").write_bytes(b"no picture")
    dataset = datasets.open(root)
    assert write_sheet(dataset, tmp_path / "sheet.png", columns=4) == 2
    sheet = Image.open(tmp_path / "sheet.png").convert("RGB")
    assert sheet.size == (4 * 132 + 4, 2 * 148 + 4)
    row = dataset.classes.index("red")
    assert sheet.getpixel((4 + 64, row * 148 + 4 + 64)) == (255, 0, 0)


def test_boxes_have_the_names_of_their_classes(tmp_path: Path) -> None:
    """The same set with other names gives another picture within the cells, and each colour is told below."""
    sheets = {}
    for names in (("red", "blue"), ("left", "stop")):
        root = write_coco(tmp_path / names[0], {"train": 4, "val": 4})
        for path in root.glob("*/*.json"):
            text = path.read_text()
            for old, new in zip(("red", "blue"), names, strict=True):
                text = text.replace(f'"{old}"', f'"{new}"')
            path.write_text(text)
        assert write_sheet(datasets.open(root), tmp_path / "sheet.png", columns=4) == 2
        sheets[names[0]] = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    cells = 2 * (256 + 16 + 4) + 4
    first, other = sheets.values()
    assert first.shape == (cells + 18 + 4, 4 * 260 + 4, 3)
    differing = (first != other).any(axis=2)
    assert 50 < differing[:cells].sum() < 10_000, "nothing but the names"
    assert differing[cells:].any(), "and the names beside the colours"
    for colour in class_colours(2)[:2]:
        assert (first[cells:] == colour).all(axis=2).sum() >= 12 * 12


def test_names_can_be_read_and_stay_within_the_picture() -> None:
    """Bright colours have black letters, dark ones white; a name at the right border moves in."""
    picture = Image.new("RGB", (200, 200), (90, 90, 90))
    colours = class_colours(3)
    for label, is_white in ((1, True), (2, False)):
        drawn = np.asarray(draw_boxes(picture, [((0.95, 0.5, 1.0, 0.9), label, "a long name")], 3))
        assert (drawn.min(axis=2).max() > 200) == is_white
        assert (drawn.max(axis=2).min() < 60) == (not is_white)
        assert (drawn[100:180, 199] == colours[label]).all()
        assert (drawn[70:100, 130:] == colours[label]).all(axis=2).sum() > 100, "its field begins left of the box"


def test_a_box_within_the_last_pixel_is_drawn_there() -> None:
    drawn = np.asarray(draw_boxes(Image.new("RGB", (40, 30)), [((0.99, 0.99, 1.0, 1.0), 0, "")], 1))
    assert (drawn[29, 39] == class_colours(1)[0]).all()


def test_many_names_take_several_lines() -> None:
    key = legend([f"class {number}" for number in range(80)], 400)
    assert key.width == 400
    assert key.height >= 15 * 18
    assert legend(["a name that is much wider than all of the sheet"], 20).height == 18


def test_the_same_seed_draws_the_same_sheet(tmp_path: Path) -> None:
    dataset = datasets.open(write_pictures(tmp_path / "set", {"train/a": 9, "train/b": 9}))
    for name in ("one.png", "two.png"):
        write_sheet(dataset, tmp_path / name, seed=3, columns=2)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_another_ending_is_one_line(tmp_path: Path) -> None:
    dataset = datasets.open(write_pictures(tmp_path / "set", {"train/a": 2, "train/b": 2}))
    with pytest.raises(UsageError, match=r"ends in .png"):
        write_sheet(dataset, tmp_path / "sheet.pdf")
