"""Pictures of coloured rectangles with their boxes, in the layouts that detection sets come in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

NAMES = ("red", "blue")
COLOURS = np.array([(205, 50, 45), (55, 75, 215)])
WIDTH, HEIGHT = 96, 72

Rows = list[tuple[int, int, int, int, int]]


def objects(seed: int, count: int) -> Rows:
    """Label, left, top, width, height in pixels."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        width, height = random.integers(18, 40, 2).tolist()
        left, top = random.integers(0, WIDTH - width), random.integers(0, HEIGHT - height)
        rows.append((int(random.integers(0, 2)), int(left), int(top), width, height))
    return rows


def paint(rows: Rows, seed: int) -> Image.Image:
    random = np.random.default_rng(seed + 1000)
    pixels = random.integers(90, 131, (HEIGHT, WIDTH, 3))
    for label, left, top, width, height in rows:
        pixels[top : top + height, left : left + width] = COLOURS[label] + random.integers(-20, 21, 3)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def coco(images: Mapping[str, Rows]) -> dict[str, Any]:
    """COCO's JSON, with category ids 3 and 90."""
    data: dict[str, Any] = {"images": [], "annotations": []}
    data["categories"] = [{"id": 90, "name": NAMES[1]}, {"id": 3, "name": NAMES[0]}]
    for number, (name, rows) in enumerate(images.items(), start=1):
        data["images"].append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for row in rows:
            one = {"id": len(data["annotations"]) + 1, "image_id": number, "category_id": (3, 90)[row[0]]}
            data["annotations"].append(one | {"bbox": list(row[1:]), "iscrowd": 0})
    return data


def write_coco(root: Path, counts: Mapping[str, int], *, most: int = 2) -> Path:
    """``SPLIT/*.png`` with ``SPLIT/_annotations.coco.json``; every fourth picture has no object."""
    seed = 0
    for split, count in counts.items():
        (root / split).mkdir(parents=True)
        images = {}
        for index in range(count):
            seed += 1
            rows = objects(seed, 0 if index % 4 == 3 else 1 + seed % most)
            images[f"{index:03d}.png"] = rows
            paint(rows, seed).save(root / split / f"{index:03d}.png")
        (root / split / "_annotations.coco.json").write_text(json.dumps(coco(images)))
    return root
