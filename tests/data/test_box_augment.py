"""Boxes follow their pictures through every variation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.augment import Augment, AugmentConfig, build_augment, seeded
from edgesmith.data.cache import decode_pictures
from edgesmith.data.loader import TrainLoader
from edgesmith.data.preprocessing import Preprocessing
from tests.data.builders import write_pictures

HEIGHT, WIDTH = 96, 128
RULE = Preprocessing(height=HEIGHT, width=WIDTH, resize_short=0, mean=(0.0,) * 3, std=(1.0,) * 3)
PLAIN = AugmentConfig(policy="none")
LEAST = 4  # pixels of a box's side in the result; smaller ones blur into what is around
WHOLE = 0.9999  # of the picture, but for rounding
RIM = 4  # pixels of the result in which the resize blends a picture with what is around
SLACK = 1.5  # pixels that an edge may lie off after the resize

EVERYTHING = [
    PLAIN,
    AugmentConfig(policy="none", zoom_out=1.0),
    AugmentConfig(policy="none", zoom_out=0.5, zoom_side=2.0, flip=1.0),
]


def varied(augment: Augment, image: Tensor, corners: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    with seeded(seed):
        return augment.with_boxes(image, corners, torch.ones(len(corners)))


def white_box(height: int, width: int, corners: tuple[int, int, int, int]) -> tuple[Tensor, Tensor]:
    """A white rectangle on black, and its corners as shares."""
    left, top, right, bottom = corners
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    image[:, top:bottom, left:right] = 255
    return image, torch.tensor([[left / width, top / height, right / width, bottom / height]])


def extent(image: Tensor) -> list[float]:
    """Left, top, right and bottom of what is bright, in pixels."""
    bright = image.mean(dim=0) > 0.5
    columns, rows = (torch.nonzero(bright.any(dim=dim)).flatten() for dim in (0, 1))
    return [float(columns[0]), float(rows[0]), float(columns[-1]) + 1, float(rows[-1]) + 1]


@pytest.mark.parametrize("config", EVERYTHING, ids=["crop", "zoom out", "zoom out and mirror"])
@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(60, 200), st.integers(60, 200)),
    left=st.floats(0, 0.7),
    top=st.floats(0, 0.7),
    side=st.tuples(st.floats(0.15, 0.9), st.floats(0.15, 0.9)),
    seed=st.integers(0, 2**31),
)
def test_a_box_is_where_its_object_is(
    config: AugmentConfig,
    size: tuple[int, int],
    left: float,
    top: float,
    side: tuple[float, float],
    seed: int,
) -> None:
    height, width = size
    right, bottom = min(1.0, left + side[0]), min(1.0, top + side[1])
    image, corners = white_box(
        height, width, (int(left * width), int(top * height), int(right * width), int(bottom * height))
    )
    made, found, kept = varied(build_augment(config, HEIGHT, WIDTH, RULE), image, corners, seed)
    assert made.shape == (3, HEIGHT, WIDTH)
    assert len(found) == len(kept)
    assert len(found) == 1, "a crop keeps a box whose share it was drawn by"
    expected = (found[0] * torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])).tolist()
    if min(expected[2] - expected[0], expected[3] - expected[1]) >= LEAST:
        assert extent(made) == pytest.approx(expected, abs=SLACK)


def test_zooming_out_makes_objects_smaller_as_often_as_asked() -> None:
    image, corners = white_box(90, 120, (0, 0, 120, 90))
    areas = {}
    for chance in (0.0, 0.5, 1.0):
        augment = build_augment(AugmentConfig(policy="none", zoom_out=chance), HEIGHT, WIDTH, RULE)
        boxes = [varied(augment, image, corners, seed)[1][0].tolist() for seed in range(200)]
        areas[chance] = [(right - left) * (bottom - top) for left, top, right, bottom in boxes]
    assert min(areas[0.0]) > WHOLE, "any crop of a box that is the picture is full of it"
    assert min(areas[1.0]) < 0.15, "down to a sixteenth"
    smaller = {chance: sum(area < WHOLE for area in found) / 200 for chance, found in areas.items()}
    assert 0.3 * smaller[1.0] < smaller[0.5] < 0.7 * smaller[1.0]
    assert smaller[1.0] > 0.7


def test_the_canvas_is_what_scaling_turns_into_zero() -> None:
    image, corners = white_box(120, 160, (0, 0, 160, 120))
    rule = Preprocessing(height=HEIGHT, width=WIDTH, resize_short=0)
    augment = build_augment(AugmentConfig(policy="none", zoom_out=1.0), HEIGHT, WIDTH, rule)
    for seed in range(20):
        made, found, _ = varied(augment, image, corners, seed)
        left, top, right, bottom = (found[0] * torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])).round().int().tolist()
        made[:, max(0, top - RIM) : bottom + RIM, max(0, left - RIM) : right + RIM] = 0
        assert made.abs().max() < 0.02, "the canvas has whole bytes"


def test_colours_change_and_boxes_do_not() -> None:
    image = torch.randint(0, 256, (3, 70, 90), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    corners = torch.tensor([[0.1, 0.1, 0.5, 0.6], [0.4, 0.3, 0.9, 0.8]])
    plain, distorted = (
        build_augment(AugmentConfig(policy=policy), HEIGHT, WIDTH, RULE) for policy in ("none", "photometric")
    )
    changed = 0
    for seed in range(20):
        expected, found = varied(plain, image, corners, seed), varied(distorted, image, corners, seed)
        torch.testing.assert_close(found[1:], expected[1:], rtol=0, atol=0)
        changed += not torch.equal(found[0], expected[0])
    assert changed > 10


def test_zooming_out_is_for_boxes_alone(tmp_path: Path) -> None:
    dataset = datasets.open(write_pictures(tmp_path, {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1}))
    pictures = decode_pictures(dataset, dataset.samples("train"), short_side=64, limit_bytes=10**8)
    with pytest.raises(UsageError, match=r"augment.zoom_out must be 0 where pictures have no boxes, got 0.5"):
        TrainLoader(
            pictures,
            num_classes=len(dataset.classes),
            augment=AugmentConfig(zoom_out=0.5),
            preprocessing=Preprocessing.for_resolution(32, 32),
            batch_size=2,
            seed=0,
        )
