"""Pictures with masks in WebDataset shards: packed and opened again they are the same, class by class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesmith.core.errors import DataError
from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.masks import IGNORE
from edgesmith.data.pack import pack
from tests.data.builders import encode, write_tar
from tests.data.shapes import CLASSES, write_shapes


def masks_by_pixels(dataset: datasets.Dataset, split: str) -> dict[bytes, np.ndarray]:
    """Each picture's mask, by the bytes of the picture's file."""
    found = {}
    for sample in dataset.samples(split):
        picture = datasets.load_picture(dataset, sample)
        found[datasets.read_file(dataset.source, sample.name)] = datasets.load_mask(dataset, sample, picture)
    return found


def test_packed_pictures_keep_bytes_and_classes(tmp_path: Path) -> None:
    before = datasets.open(write_shapes(tmp_path / "set", {"train": 7, "val": 3}))
    done = pack(before, tmp_path / "shards", shard_bytes=10_000)
    assert done.num_images == 10
    assert done.shards["train"] > 1
    after = datasets.open(tmp_path / "shards")
    assert (after.task, after.classes) == ("segmentation", CLASSES)
    for split in ("train", "val"):
        wanted, found = masks_by_pixels(before, split), masks_by_pixels(after, split)
        assert wanted.keys() == found.keys()
        assert all(np.array_equal(wanted[key], found[key]) for key in wanted)
        assert any((mask == IGNORE).any() for mask in found.values())
    assert check(after).ok == check(before).ok
    assert not [each for each in check(after).problems if each.kind == "bad_mask"]


def test_the_same_set_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    dataset = datasets.open(write_shapes(tmp_path / "set", {"train": 4, "val": 2}))
    for name in ("a", "b"):
        pack(dataset, tmp_path / name)
    shards = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert shards == ["classes.txt", "train-000000.tar", "val-000000.tar"]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in shards)


PICTURE, MASK = encode(Image.new("RGB", (8, 8))), encode(Image.new("L", (8, 8)), "PNG")


@pytest.mark.parametrize(
    ("classes", "members", "message"),
    [
        ("", {"0.jpg": PICTURE, "0.mask.png": MASK}, "no classes.txt that names their classes"),
        ("x\ny\n", {"0.jpg": PICTURE, "0.mask.png": MASK, "1.jpg": PICTURE}, r"1\.jpg has no \.cls file"),
    ],
)
def test_shards_without_what_they_need_are_one_line(
    tmp_path: Path, classes: str, members: dict[str, bytes], message: str
) -> None:
    if classes:
        (tmp_path / "classes.txt").write_text(classes)
    write_tar(tmp_path / "train-000000.tar", members)
    with pytest.raises(DataError, match=message) as caught:
        datasets.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_masks_in_some_shards_alone_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("x\ny\n")
    write_tar(tmp_path / "train-000000.tar", {"0.jpg": PICTURE, "0.mask.png": MASK})
    write_tar(tmp_path / "val-000000.tar", {"0.jpg": PICTURE, "0.cls": b"1"})
    with pytest.raises(DataError, match=r"val-000000\.tar:0\.jpg has no \.mask\.png beside it") as caught:
        datasets.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_bad_mask_ends_packing_and_leaves_nothing(tmp_path: Path) -> None:
    root = write_shapes(tmp_path / "set", {"train": 3, "val": 1})
    (mask, *_) = sorted((root / "train" / "masks").iterdir())
    mask.write_bytes(b"nothing")
    with pytest.raises(DataError, match="the mask cannot be decoded"):
        pack(datasets.open(root), tmp_path / "shards")
    assert not (tmp_path / "shards").exists()
