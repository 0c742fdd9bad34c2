"""Segmentation sets are found in the layouts that they come in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesmith.core.errors import DataError
from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.fix import fix
from edgesmith.data.mask_layout import CITY_CLASSES, VOC_CLASSES
from edgesmith.data.masks import IGNORE
from edgesmith.data.pictures import PictureError
from tests.data.builders import zip_folder
from tests.data.shapes import CLASSES, VOID, write_shapes


def first_mask(dataset: datasets.Dataset, split: str) -> np.ndarray:
    sample = dataset.samples(split)[0]
    return datasets.load_mask(dataset, sample, datasets.load_picture(dataset, sample))


def test_splits_with_images_and_masks(tmp_path: Path) -> None:
    root = write_shapes(tmp_path / "set", {"train": 4, "val": 2})
    dataset = datasets.open(root)
    assert (dataset.task, dataset.classes) == ("segmentation", CLASSES)
    assert {split: len(samples) for split, samples in dataset.splits.items()} == {"train": 4, "val": 2}
    mask = first_mask(dataset, "train")
    assert set(np.unique(mask)) == {0, 1, 2, IGNORE}
    packed = datasets.open(zip_folder(root, tmp_path / "set.zip", prefix="wrapped/"))
    assert np.array_equal(first_mask(packed, "train"), mask)


@pytest.mark.parametrize("order", ["images/SPLIT", "SPLIT/images"])
def test_splits_may_lie_above_or_below(tmp_path: Path, order: str) -> None:
    write_shapes(tmp_path / "a", {"train": 3, "val": 2})
    for split in ("train", "val"):
        for folder in ("images", "masks"):
            target = tmp_path / "b" / order.replace("images", folder).replace("SPLIT", split)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(tmp_path / "a" / split / folder, target)
    shutil.copy(tmp_path / "a" / "classes.json", tmp_path / "b")
    assert {s: len(found) for s, found in datasets.open(tmp_path / "b").splits.items()} == {"train": 3, "val": 2}


def test_without_splits_a_fifth_becomes_val(tmp_path: Path) -> None:
    root = write_shapes(tmp_path, {".": 10})
    dataset = datasets.open(root)
    assert {split: len(samples) for split, samples in dataset.splits.items()} == {"train": 8, "val": 2}
    assert "no splits" in dataset.notes[0]


def test_voc_with_its_lists_and_classes(tmp_path: Path) -> None:
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (tmp_path / folder).mkdir(parents=True)
    mask = Image.new("P", (4, 3))
    mask.putdata([0, 20, 255, 1] * 3)
    mask.putpalette(list(range(256)) * 3)
    for name in ("a", "b", "c"):
        Image.new("RGB", (4, 3)).save(tmp_path / "JPEGImages" / f"{name}.jpg")
        mask.save(tmp_path / "SegmentationClass" / f"{name}.png")
    lists = tmp_path / "ImageSets" / "Segmentation"
    (lists / "train.txt").write_text("a\nb\nnot-there\n")
    (lists / "val.txt").write_text("c\n")
    dataset = datasets.open(tmp_path)
    assert dataset.classes == VOC_CLASSES
    assert [len(dataset.samples(split)) for split in ("train", "val")] == [2, 1]
    assert [problem.kind for problem in dataset.problems] == ["missing"]
    assert first_mask(dataset, "val")[0].tolist() == [0, 20, IGNORE, 1]


@pytest.mark.parametrize("suffix", ["labelTrainIds", "labelIds"])
def test_cityscapes_in_both_numberings(tmp_path: Path, suffix: str) -> None:
    values = [0, 13, 255, 255] if suffix == "labelTrainIds" else [7, 26, 4, 0]  # road, car, void, void
    for split in ("train", "val", "test"):
        for folder, name in (("leftImg8bit", "x_leftImg8bit.png"), ("gtFine", f"x_gtFine_{suffix}.png")):
            (tmp_path / folder / split / "town").mkdir(parents=True)
            image = Image.new("RGB", (4, 1)) if folder == "leftImg8bit" else Image.new("L", (4, 1))
            if folder == "gtFine":
                image.putdata(values)
            image.save(tmp_path / folder / split / "town" / name)
    dataset = datasets.open(tmp_path)
    assert dataset.classes == tuple(CITY_CLASSES)
    assert set(dataset.splits) == {"train", "val"}
    assert first_mask(dataset, "train").tolist() == [[0, 13, IGNORE, IGNORE]]


def test_a_set_without_class_names_is_told_what_to_write(tmp_path: Path) -> None:
    root = write_shapes(tmp_path, {"train": 2, "val": 1})
    (root / "classes.json").unlink()
    with pytest.raises(DataError, match=r"masks but no classes.json; write one: {\"names\": "):
        datasets.open(root)
    (root / "classes.json").write_text("[1, 2]")
    with pytest.raises(DataError, match=r"classes.json is not {\"names\": "):
        datasets.open(root)
    (root / "classes.json").write_text(json.dumps({"names": CLASSES, "ignore_index": [0, 1, 2]}))
    with pytest.raises(DataError, match=r"all classes of .* are to be ignored: ground, square, disc"):
        datasets.open(root)


@pytest.mark.parametrize("void", [0, 1, 2])
def test_any_value_may_be_ignored(tmp_path: Path, void: int) -> None:
    """The name that stands at its place is no class, and the others move up: 0 is void in many sets."""
    root = write_shapes(tmp_path / "set", {"train": 4, "val": 2})
    raw = np.asarray(Image.open(root / "train" / "masks" / "000.png"))
    (root / "classes.json").write_text(json.dumps({"names": CLASSES, "ignore_index": [void, VOID]}))
    dataset = datasets.open(root)
    left = [value for value in range(3) if value != void]
    assert dataset.classes == tuple(CLASSES[value] for value in left)
    assert dataset.notes == (f"pixels of {CLASSES[void]} count in nothing (ignore_index); 2 classes are left",)
    mask = first_mask(dataset, "train")
    for place, value in enumerate(left):
        assert np.array_equal(mask == place, raw == value)
    assert np.array_equal(mask == IGNORE, (raw == void) | (raw == VOID))
    report = check(dataset)
    assert report.ok
    fix(dataset, report, tmp_path / "clean")
    again = datasets.open(tmp_path / "clean")
    assert again.classes == dataset.classes
    assert np.array_equal(first_mask(again, "train"), mask)


COLOURS = [[10, 120, 10], [200, 0, 0], [0, 0, 200]]


def in_colours(root: Path, void: tuple[int, int, int]) -> Path:
    """The set with masks in colours, the last of which says nothing of a pixel."""
    write_shapes(root, {"train": 3, "val": 2})
    table = np.zeros((256, 3), dtype=np.uint8)
    table[:3], table[VOID] = COLOURS, void
    for path in root.glob("*/masks/*.png"):
        with Image.open(path) as image:
            values = np.array(image)
        Image.fromarray(table[values]).save(path)
    return root


def test_masks_in_colours_with_one_for_void(tmp_path: Path) -> None:
    root = in_colours(tmp_path / "colours", (255, 255, 255))
    plain = datasets.open(write_shapes(tmp_path / "plain", {"train": 3, "val": 2}))
    named: dict[str, object] = {"names": CLASSES, "ignore_index": 3, "colours": [*COLOURS, [255, 255, 255]]}
    (root / "classes.json").write_text(json.dumps(named))
    dataset = datasets.open(root)
    assert dataset.classes == CLASSES
    assert np.array_equal(first_mask(dataset, "train"), first_mask(plain, "train"))
    assert check(dataset).ok
    named = {"names": ["void", *CLASSES], "ignore_index": 0, "colours": [[255, 255, 255], *COLOURS]}
    (root / "classes.json").write_text(json.dumps(named))
    first = datasets.open(root)
    assert first.classes == CLASSES
    assert np.array_equal(first_mask(first, "train"), first_mask(plain, "train"))


@pytest.mark.parametrize(
    ("colours", "message"),
    [
        (COLOURS[:2], "has 2 colours for 3 names; list one for each"),
        (
            [*COLOURS, [255, 255, 255]],
            'the colour at place 3, counted from 0, is of no name: .*put 3 under "ignore_index"',
        ),
        ([*COLOURS[:2], COLOURS[0]], "each is listed once"),
        ([*COLOURS[:2], [0, 0, 256]], "colours are three numbers from 0 to 255 each"),
        ([*COLOURS[:2], [0, 0]], r'classes.json is not {"names": '),
    ],
)
def test_colours_that_do_not_fit_the_names_are_one_line(tmp_path: Path, colours: list[list[int]], message: str) -> None:
    root = in_colours(tmp_path, (255, 255, 255))
    (root / "classes.json").write_text(json.dumps({"names": CLASSES, "colours": colours}))
    with pytest.raises(DataError, match=message) as caught:
        datasets.open(root)
    assert "\n" not in str(caught.value)


def test_of_two_masks_of_one_name_the_first_counts(tmp_path: Path) -> None:
    root = write_shapes(tmp_path, {"train": 2, "val": 1})
    with Image.open(root / "train" / "masks" / "000.png") as image:
        image.save(root / "train" / "masks" / "000.tif")
    dataset = datasets.open(root)
    assert dataset.samples("train")[0].mask == "train/masks/000.png"
    assert [(p.kind, p.file, p.severity) for p in dataset.problems] == [("duplicate", "train/masks/000.tif", "warning")]


def test_pictures_without_masks_and_masks_of_another_size(tmp_path: Path) -> None:
    root = write_shapes(tmp_path, {"train": 3, "val": 1})
    (root / "train" / "masks" / "001.png").unlink()
    Image.new("L", (5, 4)).save(root / "train" / "masks" / "002.png")
    dataset = datasets.open(root)
    assert [(p.kind, p.file) for p in dataset.problems] == [("missing", "train/images/001.png")]
    sample = dataset.samples("train")[1]
    with pytest.raises(PictureError, match="the mask has 5x4 pixels, its picture 64x48"):
        datasets.load_mask(dataset, sample, datasets.load_picture(dataset, sample))


def test_camvid_is_what_its_readme_says(shared_dir: Path) -> None:
    dataset = datasets.open(shared_dir / "data" / "camvid")
    assert {split: len(samples) for split, samples in dataset.splits.items()} == {"train": 367, "val": 101, "test": 233}
    assert (len(dataset.classes), dataset.classes[3]) == (11, "Road")
    assert not dataset.problems
