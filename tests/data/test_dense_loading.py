"""Pictures and masks vary together, are cached together and are scored in their own size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.augment import AugmentConfig
from edgesmith.data.cache import PictureCache, decode_pictures
from edgesmith.data.evaluation import crop_pictures
from edgesmith.data.loader import TrainLoader
from edgesmith.data.masks import IGNORE
from edgesmith.data.preprocessing import Preprocessing
from tests.data.shapes import COLOURS, write_shapes

RULE = Preprocessing(
    height=40, width=56, resize_short=0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
)  # values stay shares of 255


def cache(tmp_path: Path, *, count: int = 6) -> PictureCache:
    dataset = datasets.open(write_shapes(tmp_path, {"train": count, "val": 2}))
    return decode_pictures(dataset, dataset.samples("train"), short_side=512, limit_bytes=10**9)


def loader(pictures: PictureCache, augment: AugmentConfig, *, workers: int = 0) -> TrainLoader:
    return TrainLoader(
        pictures, num_classes=3, augment=augment, preprocessing=RULE, batch_size=3, seed=1, num_workers=workers
    )


def test_case_s7_masks_follow_their_pictures_through_crop_and_mirror(tmp_path: Path) -> None:
    """Every pixel's colour says its class: after any crop and mirror both still agree, and no label is new."""
    batches = list(loader(cache(tmp_path), AugmentConfig(scale=(0.3, 1.0), flip=0.5, policy="none")).epoch(0))
    assert len(batches) == 2
    for batch in batches:
        assert (batch.images.shape, batch.targets.shape) == ((3, 3, 40, 56), (3, 40, 56))
        assert batch.targets.dtype == torch.int64
        assert set(batch.targets.flatten().tolist()) <= {0, 1, 2, IGNORE}
        pixels = (batch.images * 255).permute(0, 2, 3, 1)
        distances = (pixels[..., None, :] - torch.from_numpy(COLOURS).float()).square().sum(dim=-1)
        known = batch.targets != IGNORE
        agreeing = (distances.argmin(dim=-1) == batch.targets)[known].float().mean()
        assert agreeing > 0.97  # all but the rims, where the picture is blended


def test_batches_are_the_same_in_workers(tmp_path: Path) -> None:
    pictures = cache(tmp_path)
    here = list(loader(pictures, AugmentConfig()).epoch(2, height=32, width=32))
    there = list(loader(pictures, AugmentConfig(), workers=1).epoch(2, height=32, width=32))
    for mine, theirs in zip(here, there, strict=True):
        assert torch.equal(mine.images, theirs.images)
        assert torch.equal(mine.targets, theirs.targets)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            AugmentConfig(policy="rand"),
            "augment.policy must be none, jitter or photometric where pictures have masks or boxes, got rand",
        ),
        (AugmentConfig(mixup=0.2), "augment.mixup must be 0 where pictures have masks or boxes, got 0.2"),
        (AugmentConfig(erase=0.2), "augment.erase must be 0 where pictures have masks or boxes, got 0.2"),
    ],
)
def test_what_would_move_the_picture_alone_is_refused(tmp_path: Path, config: AugmentConfig, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        loader(cache(tmp_path, count=2), config)


def test_pictures_are_read_whole_and_masks_in_their_own_size(tmp_path: Path) -> None:
    dataset = datasets.open(write_shapes(tmp_path, {"train": 2, "val": 3}, height=60, width=90))
    crops = crop_pictures(dataset, dataset.samples("val"), RULE)
    assert crops.images.shape == (3, 40, 56, 3)
    assert crops.masks is not None
    assert [mask.shape for mask in crops.masks] == [(60, 90)] * 3
    batches = list(crops.batches(2))
    assert [len(batch.labels) for batch in batches] == [2, 1]
    last = batches[1].labels[0]
    assert isinstance(last, np.ndarray)
    assert np.array_equal(last, crops.masks[2])


def test_a_bad_mask_leaves_its_picture_out_and_says_so(tmp_path: Path) -> None:
    root = write_shapes(tmp_path, {"train": 3, "val": 1})
    (root / "train" / "masks" / "001.png").write_bytes(b"no picture")
    dataset = datasets.open(root)
    pictures = decode_pictures(dataset, dataset.samples("train"), short_side=512, limit_bytes=10**9)
    assert [(problem.kind, problem.file) for problem in pictures.problems] == [("bad_mask", "train/images/001.png")]
    assert len(pictures) == 2
    assert pictures.picture(0).shape == (48, 64, 4)
