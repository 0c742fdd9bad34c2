"""Contact sheets."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.sheet import write_sheet
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


def test_the_same_seed_draws_the_same_sheet(tmp_path: Path) -> None:
    dataset = datasets.open(write_pictures(tmp_path / "set", {"train/a": 9, "train/b": 9}))
    for name in ("one.png", "two.png"):
        write_sheet(dataset, tmp_path / name, seed=3, columns=2)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_another_ending_is_one_line(tmp_path: Path) -> None:
    dataset = datasets.open(write_pictures(tmp_path / "set", {"train/a": 2, "train/b": 2}))
    with pytest.raises(UsageError, match=r"ends in .png"):
        write_sheet(dataset, tmp_path / "sheet.pdf")
