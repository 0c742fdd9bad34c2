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

    One class has no pictures, and test has a copy of a picture of val.

    Returns:
        The files and classes of which something must be said.
    """
    faulty = {"none"}
    (root / "train" / "none").mkdir(parents=True)
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
    copied = next(path for path in sorted((root / "val" / "a").iterdir()) if path.name.endswith(" plain.png"))
    (root / "test" / "a" / "copy.png").write_bytes(copied.read_bytes())
    return {*faulty, "test/a/copy.png"}


def write_hostile_boxes(root: Path, *, most: int = 66) -> set[str]:
    """COCO splits of ``most`` pictures each; every third is faulty, by its bytes, its boxes or its annotations.

    Others are turned by their EXIF tag, with boxes drawn on the stored or on the upright picture.

    Returns:
        The files of which something must be said.
    """
    box_sets.write_coco(root, {"train": most, "val": most, "test": most})
    faulty = {"lost.png"}
    for split in ("train", "val", "test"):
        path = root / split / "_annotations.coco.json"
        data = json.loads(path.read_text())
        for number, image in enumerate(list(data["images"])):
            turn, kind = divmod(number, 3)
            if kind == 0:
                _spoil(root / split, data, image, turn)
                faulty.add(f"{split}/{image['file_name']}")
            elif kind == 1 and turn % 2:
                _turn_by_tag(root / split, data, image, as_stored=turn % 4 == 1)
        crowd = {"size": [box_sets.HEIGHT, box_sets.WIDTH], "counts": "abc123"}
        first = data["annotations"][0]
        data["annotations"].append(first | {"id": 5000, "iscrowd": 1, "segmentation": crowd})
        data["annotations"] += [first | {"id": 5001, "image_id": 777}, "no annotation", {"id": 5002}]
        data["categories"].append({"id": 7, "name": "unused"})
        data["images"].append(data["images"][0] | {"id": 998, "file_name": "lost.png"})
        path.write_text(json.dumps(data))
        faulty.add(f"{split}/{path.name}")
    return faulty


BAD_BOXES: Final = (
    [10, 10, 0, 5],
    [10, 10, -4, 5],
    [float("nan"), 1, 4, 5],
    [200, 10, 4, 5],
    [-80, 10, 90, 20],
    [9, 9, 0.3, 5],
    "5",
)


def _spoil(folder: Path, data: dict[str, Any], image: dict[str, Any], turn: int) -> None:
    """Give a picture of COCO one of the faults that there are."""
    step, group = divmod(turn, 3)
    one = {"id": 1000 + image["id"], "image_id": image["id"], "category_id": 3, "iscrowd": 0, "bbox": [5, 5, 20, 20]}
    if group == 0:
        data["annotations"].append(one | {"bbox": BAD_BOXES[step % len(BAD_BOXES)]})
    elif group == 1:
        (folder / image["file_name"]).write_bytes(list(BAD.values())[step % len(BAD)](turn))
    elif step % 3 == 0:
        data["annotations"].append(one)
        image |= {"width": 200, "height": 30}
    elif step % 3 == 1:
        data["annotations"].append(one | {"category_id": 55})
    else:
        data["images"].append(image | {"id": 2000 + image["id"]})


def _turn_by_tag(folder: Path, data: dict[str, Any], image: dict[str, Any], *, as_stored: bool) -> None:
    """Mark a good picture to be turned by a quarter, and say which way its one box was drawn."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(folder / image["file_name"]) as stored:
        stored.load()
    stored.save(folder / image["file_name"], exif=exif)
    data["annotations"] = [row for row in data["annotations"] if row["image_id"] != image["id"]]
    row = {"id": 3000 + image["id"], "image_id": image["id"], "category_id": 3, "iscrowd": 0}
    data["annotations"].append(row | {"bbox": [70, 5, 20, 30] if as_stored else [5, 70, 30, 20]})
    if not as_stored:
        image |= {"width": box_sets.HEIGHT, "height": box_sets.WIDTH}


YOLO_FAULTS: Final = (
    "2 0.5 0.5 0.2 0.2",
    "0 0.5",
    "red 0.5 0.5 0.2 0.2",
    "0 0.1 0.5 0.6 0.5",
    "0 nan 0.5 0.2 0.2",
    "0 0.5 0.5 0 0.2",
)


def write_hostile_yolo(root: Path, *, most: int = 36) -> set[str]:
    """Splits of ``most`` pictures with a label file each; every third has a line that is no box, or no picture.

    Returns:
        The files of which something must be said.
    """
    faulty = {f"images/{split}/lost" for split in ("train", "val", "test")}
    for split in ("train", "val", "test"):
        for folder in ("images", "labels"):
            (root / folder / split).mkdir(parents=True, exist_ok=True)
        for number in range(most):
            rows = box_sets.objects(len(split) * 100 + number, 1 + number % 2)
            shares = [
                (
                    label,
                    (x + w / 2) / box_sets.WIDTH,
                    (y + h / 2) / box_sets.HEIGHT,
                    w / box_sets.WIDTH,
                    h / box_sets.HEIGHT,
                )
                for label, x, y, w, h in rows
            ]
            lines = [" ".join(map(str, share)) for share in shares]
            image = root / "images" / split / f"{number:03d}.png"
            box_sets.paint(rows, len(split) * 100 + number).save(image)
            turn, kind = divmod(number, 3)
            if kind == 0 and turn % 2:
                image.write_bytes(list(BAD.values())[turn // 2 % len(BAD)](number))
            elif kind == 0:
                lines.append(YOLO_FAULTS[turn // 2 % len(YOLO_FAULTS)])
            if kind == 0:
                faulty.add(image.relative_to(root).as_posix())
            (root / "labels" / split / f"{number:03d}.txt").write_text("\n".join(lines))
        (root / "labels" / split / "lost.txt").write_text("0 0.5 0.5 0.2 0.2")
    (root / "data.yaml").write_text("names: [red, blue]\n")
    return faulty


def write_hostile_voc(root: Path, *, most: int = 36) -> set[str]:
    """Lists of ``most`` pictures a split; every third has a file that is no XML, a box that is none, or no picture.

    Returns:
        The files of which something must be said.
    """
    faulty = set()
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for split in ("train", "val", "test"):
        stems = [f"{split}{number:03d}" for number in range(most)]
        for number, stem in enumerate(stems):
            box = (10, 8, 40, 50)
            image = root / "JPEGImages" / f"{stem}.png"
            box_sets.paint([], len(split) * 100 + number).save(image)
            text = _voc_xml(("cat", "dog")[number % 2], box)
            turn, kind = divmod(number, 3)
            if kind == 0:
                text = (text[:-30], "<html>404", _voc_xml("", box), _voc_xml("cat", (9, 9, 9, 9)))[turn % 4]
                faulty.add(f"JPEGImages/{stem}.png")
            (root / "Annotations" / f"{stem}.xml").write_text(text)
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join([*stems, f"{split}-lost"]))
        faulty.add(f"Annotations/{split}-lost.xml")
    return faulty


def _voc_xml(name: str, box: tuple[int, int, int, int]) -> str:
    sides = "".join(f"<{side}>{v}</{side}>" for side, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    size = f"<size><width>{box_sets.WIDTH}</width><height>{box_sets.HEIGHT}</height></size>"
    return f"<annotation>{size}<object><name>{name}</name><bndbox>{sides}</bndbox></object></annotation>"


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
            elif turn % 4 == 2:
                (root / mask).unlink()
            else:
                (root / mask).write_bytes(masks[turn % len(masks)](number))
            faulty.add(image)
    return faulty
