"""Sets in which every fault that users reported stands several times, among pictures in every odd but good form."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from PIL import Image

from tests.data import box_sets, shapes
from tests.data.builders import encode, noise

Make = Callable[[int], bytes]


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _turned(seed: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 1 + seed % 8
    return _saved(noise(40, 32, seed=seed), "JPEG", exif=exif)


def _sixteen_bit(seed: int) -> bytes:
    values = np.random.default_rng(seed).integers(0, 1 << 16, (32, 40), dtype=np.uint16)
    return _saved(Image.fromarray(values), "PNG")


def _animated(seed: int) -> bytes:
    frames = [noise(40, 32, seed=seed + step) for step in range(3)]
    return _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def _bomb(seed: int) -> bytes:
    """A PNG that says it has 50,000 x 50,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes([seed % 256]) * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


# File name's end, and its bytes. What decodes may be trained on, whatever it is called.
GOOD: Final[Mapping[str, Make]] = MappingProxyType(
    {
        "plain.png": lambda seed: encode(noise(40, 32, seed=seed), "PNG"),
        "turned.jpg": _turned,
        "cmyk.jpg": lambda seed: encode(noise(40, 32, seed=seed).convert("CMYK")),
        "grey.jpg": lambda seed: encode(noise(40, 32, seed=seed).convert("L")),
        "palette.png": lambda seed: encode(noise(40, 32, seed=seed).convert("P"), "PNG"),
        "clear.png": lambda seed: encode(noise(40, 32, seed=seed).convert("RGBA"), "PNG"),
        "deep.png": _sixteen_bit,
        "moving.gif": _animated,
        "progressive.jpg": lambda seed: _saved(noise(40, 32, seed=seed), "JPEG", progressive=True),
        "misnamed.png": lambda seed: encode(noise(40, 32, seed=seed)),
        "with space é 花.webp": lambda seed: encode(noise(40, 32, seed=seed), "WEBP"),
        "narrow.png": lambda seed: encode(noise(400, 9, seed=seed), "PNG"),
    }
)
BAD: Final[Mapping[str, Make]] = MappingProxyType(
    {
        "cut.jpg": lambda seed: encode(noise(64, 64, seed=seed))[:-400],
        "cut.png": lambda seed: encode(noise(64, 64, seed=seed), "PNG")[: 3000 + seed],
        "empty.jpg": lambda seed: b"",
        "page.jpg": lambda seed: f"<html><title>404 {seed}</title></html>".encode(),
        "text.png": lambda seed: f"no picture {seed}".encode(),
        "random.jpeg": lambda seed: np.random.default_rng(seed).bytes(500),
        "header.png": lambda seed: b"\x89PNG\r\n\x1a\n" + bytes([seed % 256]),
        "huge.png": _bomb,
    }
)


def write_hostile_classes(root: Path, *, most: int = 200) -> set[str]:
    """Two classes, three splits, ``most`` files that look like pictures, and what systems leave behind.

    Returns:
        The faulty files.
    """
    faulty = set()
    makers = [*GOOD.items(), *BAD.items()]
    places = [(split, label) for split in ("train", "train", "train", "val", "test") for label in ("a", "b")]
    for seed in range(most):
        # Each round of makers goes to the next place, so that every fault comes into every split.
        split, label = places[seed // len(makers) % len(places)]
        name, make = makers[seed % len(makers)]
        path = root / split / label / f"{seed:03d} {name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make(seed))
        if name in BAD:
            faulty.add(path.relative_to(root).as_posix())
    for junk in (
        "train/a/Thumbs.db",
        "train/a/.DS_Store",
        "__MACOSX/train/a/._000.png",
        "train/.ipynb_checkpoints/x.png",
    ):
        (root / junk).parent.mkdir(parents=True, exist_ok=True)
        (root / junk).write_bytes(b"\0\1\2")
    return faulty


def write_hostile_boxes(root: Path, *, most: int = 66) -> set[str]:
    """COCO splits of ``most`` pictures each; every third is faulty, by its bytes or by its boxes.

    Returns:
        The files of which something must be said.
    """
    box_sets.write_coco(root, {"train": most, "val": most, "test": most})
    boxes = [[10, 10, 0, 5], [10, 10, -4, 5], [float("nan"), 1, 4, 5], [200, 10, 4, 5], [-80, 10, 90, 20]]
    makers = list(BAD.values())
    faulty = set()
    for split in ("train", "val", "test"):
        path = root / split / "_annotations.coco.json"
        data = json.loads(path.read_text())
        for number, image in enumerate(data["images"]):
            turn, kind = divmod(number, 3)
            if kind:
                continue
            faulty.add(f"{split}/{image['file_name']}")
            if turn % 2:
                (root / split / image["file_name"]).write_bytes(makers[turn // 2 % len(makers)](number))
            else:
                bad = {"id": 1000 + number, "image_id": image["id"], "category_id": 3, "iscrowd": 0}
                data["annotations"].append(bad | {"bbox": boxes[turn // 2 % len(boxes)]})
        crowd = {"size": [box_sets.HEIGHT, box_sets.WIDTH], "counts": "abc123"}
        first = data["annotations"][0]
        data["annotations"].append(first | {"id": 5000, "iscrowd": 1, "segmentation": crowd})
        data["categories"].append({"id": 7, "name": "unused"})
        path.write_text(json.dumps(data))
    return faulty


def write_hostile_masks(root: Path, *, most: int = 36) -> set[str]:
    """Splits of ``most`` pictures with as many masks each; every third is faulty, by its picture or by its mask.

    Returns:
        The pictures of which something must be said.
    """
    shapes.write_shapes(root, {"train": most, "val": most, "test": most})
    masks: list[Callable[[int], bytes]] = [
        lambda seed: encode(Image.fromarray(np.full((48, 64), 7, dtype=np.uint8)), "PNG"),
        lambda seed: encode(Image.fromarray(np.zeros((4, 5), dtype=np.uint8)), "PNG"),
        *BAD.values(),
    ]
    faulty = set()
    for split in ("train", "val", "test"):
        for number in range(0, most, 3):
            turn = number // 3
            image, mask = (f"{split}/{folder}/{number:03d}.png" for folder in ("images", "masks"))
            if turn % 4 == 3:
                (root / image).write_bytes(list(BAD.values())[turn % len(BAD)](number))
            else:
                (root / mask).write_bytes(masks[turn % len(masks)](number))
            faulty.add(image)
    return faulty
