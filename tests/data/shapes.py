"""Pictures of coloured shapes with masks, in the layouts that segmentation sets come in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CLASSES = ("ground", "square", "disc")
COLOURS = np.array([(60, 110, 60), (200, 60, 50), (60, 80, 210)], dtype=np.int64)
VOID = 9


def shape_mask(seed: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A square and a disc on the ground, with a rim of void."""
    random = np.random.default_rng(seed)
    mask = np.zeros((height, width), dtype=np.uint8)
    top, left = random.integers(2, height - 22), random.integers(2, width - 22)
    mask[top : top + 18, left : left + 18] = 1
    y, x = np.mgrid[:height, :width]
    cy, cx = random.integers(10, height - 10), random.integers(10, width - 10)
    mask[(y - cy) ** 2 + (x - cx) ** 2 < 64] = 2
    mask[0] = mask[-1] = VOID
    return mask


def paint(mask: NDArray[np.uint8], seed: int) -> Image.Image:
    """The mask's classes in their colours, with noise; void is ground."""
    random = np.random.default_rng(seed)
    classes = np.where(mask == VOID, 0, mask)
    pixels = COLOURS[classes] + random.integers(-25, 26, (*mask.shape, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write_shapes(root: Path, counts: Mapping[str, int], *, height: int = 48, width: int = 64) -> Path:
    """``counts`` maps a split to its number of pictures; ``SPLIT/images``, ``SPLIT/masks`` and ``classes.json``."""
    seed = 0
    for split, count in counts.items():
        for folder in ("images", "masks"):
            (root / split / folder).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            seed += 1
            mask = shape_mask(seed, height, width)
            paint(mask, seed).save(root / split / "images" / f"{index:03d}.png")
            Image.fromarray(mask).save(root / split / "masks" / f"{index:03d}.png")
    (root / "classes.json").write_text(json.dumps({"names": CLASSES, "ignore_index": VOID}))
    return root
