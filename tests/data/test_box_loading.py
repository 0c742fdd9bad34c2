"""Pictures and boxes vary together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from edgesmith.data import dataset as datasets
from edgesmith.data.augment import AugmentConfig
from edgesmith.data.cache import PictureCache, decode_pictures
from edgesmith.data.evaluation import crop_pictures
from edgesmith.data.loader import Batch, TrainLoader
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.sheet import write_sheet
from tests.data.box_sets import COLOURS, write_coco

RULE = Preprocessing(height=64, width=80, resize_short=0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def cache(root: Path) -> PictureCache:
    dataset = datasets.open(write_coco(root, {"train": 8, "val": 4}, most=1))
    return decode_pictures(dataset, dataset.samples("train"), short_side=512, limit_bytes=10**9)


def epoch(pictures: PictureCache, number: int, *, workers: int = 0) -> list[Batch]:
    loader = TrainLoader(
        pictures,
        num_classes=2,
        augment=AugmentConfig(policy="none"),
        preprocessing=RULE,
        batch_size=4,
        seed=1,
        num_workers=workers,
    )
    return list(loader.epoch(number))


def test_boxes_follow_their_pictures_through_crop_and_mirror(tmp_path: Path) -> None:
    """Inside each box is the colour of its class, with one object a picture."""
    pictures = cache(tmp_path)
    seen = 0
    for number in range(4):
        for batch in epoch(pictures, number):
            assert batch.images.shape == (4, 3, 64, 80)
            assert batch.targets.shape[::2] == (4, 5)
            for image, rows in zip(batch.images, batch.targets, strict=True):
                for label, left, top, right, bottom in rows[rows[:, 0] > 0].tolist():
                    assert 0 <= left < right <= 1
                    assert 0 <= top < bottom <= 1
                    inner = image[
                        :, round(top * 64) + 2 : round(bottom * 64) - 2, round(left * 80) + 2 : round(right * 80) - 2
                    ]
                    if inner.numel():
                        seen += 1
                        colour = inner.flatten(1).mean(dim=1).numpy() * 255
                        assert np.abs(colour - COLOURS[int(label) - 1]).max() < 40
    assert seen > 15


def test_case_b2_a_batch_of_pictures_without_objects_has_no_rows(tmp_path: Path) -> None:
    pictures = cache(tmp_path)
    empty = pictures.subset([sample for sample in pictures.samples if not sample.boxes])
    (batch,) = epoch(empty, 0)
    assert batch.targets.shape == (2, 0, 5)


def test_batches_are_the_same_in_workers(tmp_path: Path) -> None:
    pictures = cache(tmp_path)
    for mine, theirs in zip(epoch(pictures, 3), epoch(pictures, 3, workers=1), strict=True):
        assert torch.equal(mine.images, theirs.images)
        assert torch.equal(mine.targets, theirs.targets)


def test_the_sheet_shows_each_split_with_its_boxes(tmp_path: Path) -> None:
    dataset = datasets.open(write_coco(tmp_path / "set", {"train": 3, "val": 2}))
    assert write_sheet(dataset, tmp_path / "sheet.png", columns=3) == 2
    plain = datasets.open(write_coco(tmp_path / "other", {"train": 3, "val": 2}))
    bare = {split: tuple(replace(each, boxes=()) for each in found) for split, found in plain.splits.items()}
    write_sheet(replace(plain, splits=bare), tmp_path / "bare.png", columns=3)
    with Image.open(tmp_path / "sheet.png") as drawn, Image.open(tmp_path / "bare.png") as undrawn:
        assert drawn.size == undrawn.size
        assert not np.array_equal(np.asarray(drawn), np.asarray(undrawn)), "boxes are drawn"


def test_evaluation_has_the_boxes_of_each_picture(tmp_path: Path) -> None:
    dataset = datasets.open(write_coco(tmp_path, {"train": 4, "val": 4}))
    crops = crop_pictures(dataset, dataset.samples("val"), RULE)
    assert crops.boxes == tuple(sample.boxes for sample in dataset.samples("val"))
    assert crops.images.shape == (4, 64, 80, 3)
