"""How a detection set lies in its source: COCO JSON, Pascal VOC, YOLO text, or in shards beside each picture."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, Final
from xml.etree import ElementTree

from PIL import Image

from edgesmith.core.errors import DataError
from edgesmith.core.extras import require
from edgesmith.data.box_shards import read_shards
from edgesmith.data.drawn_boxes import Drawn
from edgesmith.data.found_boxes import Found
from edgesmith.data.layout import TEST, TRAIN, VAL, WHOLE, Layout, split_of
from edgesmith.data.names import is_picture_name
from edgesmith.data.pictures import quiet
from edgesmith.data.sources import Source

_VOC_LISTS: Final = "ImageSets/Main"
_ANNOTATIONS: Final = ("annotation", "instances", "coco")  # a file so named is one, even where it cannot be read


def find_boxed(source: Source, root: str) -> Layout | None:
    """The set, if it is one with boxes; None if it is not.

    Raises:
        DataError: It is one, and its annotations cannot be read.
    """
    for read in _READERS:
        found = read(source, root)
        if found is not None:
            return found
    return None


def _read_coco(source: Source, root: str) -> Layout | None:
    """Every JSON file with images, annotations and categories; its name or folder says which split it is."""
    files: dict[str, Any] = {}
    for name in source.names():
        if name.startswith(root) and name.lower().endswith(".json"):
            data = _json(source, name)
            if isinstance(data, dict) and {"images", "annotations", "categories"} <= set(data):
                files[name] = data
    if not files:
        return None
    try:
        return _coco_layout(source, root, files)
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise DataError(f"{', '.join(files)} of {source.location} is not as COCO has it: {error}") from None


def _coco_layout(source: Source, root: str, files: Mapping[str, Any]) -> Layout:
    classes, places = _coco_classes(files.values())
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for name in source.names():
        if is_picture_name(name):
            by_name[PurePosixPath(name).name].append(name)
    found = Found()
    for file, data in files.items():
        split = _split_of_file(file[len(root) :])
        rows: defaultdict[Any, list[Mapping[str, Any]]] = defaultdict(list)
        for row in data["annotations"]:
            rows[row.get("image_id")].append(row)
        for image in data["images"]:
            picture = _picture_of(str(image.get("file_name", "")), file, by_name)
            if picture is None:
                found.missing(str(image.get("file_name")), f"{file} lists it")
                continue
            drawn = [_coco_box(row, places) for row in rows[image.get("id")] if row.get("category_id") in places]
            size = (float(image.get("width") or 0), float(image.get("height") or 0))
            found.add(split, picture, drawn, size if _is_size(size) else _size_of(source, picture))
    return found.layout(classes, tuple(places) if all(type(each) is int for each in places) else ())


def _coco_classes(files: Any) -> tuple[tuple[str, ...], dict[Any, int]]:
    """Names in the order of their ids, which may have gaps and begin anywhere; and the place of each id."""
    names: dict[Any, str] = {}
    for data in files:
        for row in data["categories"]:
            known = names.setdefault(row.get("id"), str(row.get("name")))
            if known != str(row.get("name")):
                raise DataError(f"category {row.get('id')} is {known!r} in one file and {row.get('name')!r} in another")
    ids = sorted(names, key=lambda each: (str(type(each)), each))
    return tuple(names[each] for each in ids), {each: place for place, each in enumerate(ids)}


def _coco_box(row: Mapping[str, Any], places: Mapping[Any, int]) -> Drawn:
    """Left, top, width, height; a crowd's outline, whatever it is coded in, is not read."""
    values = [float(value) if isinstance(value, int | float) else float("nan") for value in row.get("bbox", ())]
    left, top, width, height = values if len(values) == 4 else [float("nan")] * 4
    return Drawn(
        label=places[row["category_id"]],
        corners=(left, top, left + width, top + height),
        where=f"annotation {row.get('id')}",
        crowd=bool(row.get("iscrowd", 0)),
    )


def _picture_of(name: str, file: str, by_name: Mapping[str, Sequence[str]]) -> str | None:
    """The picture that an annotation file means: of several of one name the one whose folders fit best."""
    found = by_name.get(PurePosixPath(name).name, ())
    if not found:
        return None
    wanted = {part.lower() for part in PurePosixPath(name).parts} | {part.lower() for part in PurePosixPath(file).parts}
    wanted |= {PurePosixPath(file).stem.lower().removeprefix("instances_")}
    return max(found, key=lambda each: (len(wanted & {part.lower() for part in PurePosixPath(each).parts}), each))


def _read_voc(source: Source, root: str) -> Layout | None:
    """``Annotations/*.xml``, ``JPEGImages`` and the lists in ``ImageSets/Main``."""
    names = set(source.names())
    files = [n for n in source.names() if n.startswith(f"{root}Annotations/") and n.lower().endswith(".xml")]
    if not files:
        return None
    split_by_stem = {
        stem: split
        for split in (TRAIN, VAL, TEST)
        if f"{root}{_VOC_LISTS}/{split}.txt" in names
        for stem in source.read(f"{root}{_VOC_LISTS}/{split}.txt").decode("utf-8", "replace").split()
    }
    pictures = {PurePosixPath(n).stem: n for n in names if n.startswith(f"{root}JPEGImages/") and is_picture_name(n)}
    found, rows = Found(), []
    for file in files:
        stem = PurePosixPath(file).stem
        if split_by_stem and stem not in split_by_stem:
            continue
        if stem not in pictures:
            found.missing(f"{root}JPEGImages/{stem}", f"{file} is of it")
            continue
        rows.append((split_by_stem.get(stem, WHOLE), pictures[stem], _xml(source, file)))
    classes = tuple(sorted({_text(each, "name") for _, _, tree in rows for each in tree.iter("object")}))
    for split, picture, tree in rows:
        drawn = [
            Drawn(
                label=classes.index(_text(each, "name")),
                corners=_voc_corners(each),
                where=f"object {number}",
                crowd=_text(each, "difficult") == "1",
            )
            for number, each in enumerate(tree.iter("object"), start=1)
        ]
        size = (_number(tree, "size/width"), _number(tree, "size/height"))
        found.add(split, picture, drawn, size if _is_size(size) else _size_of(source, picture))
    return found.layout(classes)


def _voc_corners(tree: ElementTree.Element) -> tuple[float, float, float, float]:
    left, top, right, bottom = (_number(tree, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax"))
    return left, top, right, bottom


def _read_yolo(source: Source, root: str) -> Layout | None:
    """``images`` and ``labels`` side by side; a line is class, centre x, centre y, width, height as shares."""
    names = set(source.names())
    texts = [n for n in source.names() if n.startswith(root) and n.endswith(".txt") and "/labels/" in f"/{n}"]
    folders = {str(PurePosixPath(n).parent) for n in texts}
    pairs: list[tuple[str, str, str]] = []
    for name in sorted(names):
        path = PurePosixPath(name)
        parts = list(path.parts)
        if not is_picture_name(name) or "images" not in parts:
            continue
        at = len(parts) - 1 - parts[::-1].index("images")
        label = PurePosixPath(*parts[:at], "labels", *parts[at + 1 :]).with_suffix(".txt")
        if str(label.parent) not in folders:
            continue
        rest = [part for number, part in enumerate(parts[:-1]) if number != at]
        pairs.append((next((s for part in rest if (s := split_of(part))), WHOLE), name, str(label)))
    if not pairs:
        return None
    classes, found = _yolo_classes(source, root), Found()
    for split, name, label_file in pairs:
        lines = source.read(label_file).decode("utf-8", "replace").splitlines() if label_file in names else []
        drawn = [
            _yolo_box(line, number, label_file, len(classes)) for number, line in enumerate(lines, 1) if line.split()
        ]
        found.add(split, name, drawn, (1.0, 1.0))
    return found.layout(classes)


def _yolo_box(line: str, number: int, file: str, num_classes: int) -> Drawn:
    try:
        label, x, y, width, height = (float(value) for value in line.split()[:5])
    except ValueError:
        raise DataError(f"{file}, line {number}: not 'class x y width height': {line[:60]!r}") from None
    if not 0 <= label < num_classes or label != int(label):
        raise DataError(f"{file}, line {number}: class {label:g}, but there are {num_classes} (0 to {num_classes - 1})")
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return Drawn(label=int(label), corners=corners, where=f"line {number} of {file}")


def _yolo_classes(source: Source, root: str) -> tuple[str, ...]:
    """From ``data.yaml``'s names, or ``classes.txt``."""
    for name in source.names():
        if name.startswith(root) and name.lower().endswith((".yaml", ".yml")):
            yaml = require("yaml", extra="train")

            try:
                names = yaml.safe_load(source.read(name))["names"]
            except (yaml.YAMLError, KeyError, TypeError):
                continue
            values = names.values() if isinstance(names, dict) else names
            return tuple(str(value) for value in values)
    text = next((n for n in source.names() if PurePosixPath(n).name in ("classes.txt", "obj.names")), None)
    if text is None:
        raise DataError(
            f"{source.location} has YOLO labels but no names: write data.yaml (names: [...]) or classes.txt"
        )
    return tuple(
        source.read(text).decode("utf-8", "replace").split("\n")[: -1 if source.read(text).endswith(b"\n") else None]
    )


_READERS: Final[Sequence[Callable[[Source, str], Layout | None]]] = (read_shards, _read_coco, _read_voc, _read_yolo)


def _split_of_file(name: str) -> str:
    """From the parts of a path: ``train/_annotations.coco.json``, ``annotations/instances_val2017.json``."""
    path = PurePosixPath(name)
    for part in (*path.parts[:-1], *path.stem.replace("-", "_").split("_")):
        split = split_of(part.rstrip("0123456789"))
        if split:
            return split
    return WHOLE


def _is_size(size: tuple[float, float]) -> bool:
    return all(side > 0 for side in size)  # NaN is not


def _size_of(source: Source, name: str) -> tuple[float, float]:
    """Width and height of the stored picture, from its header."""
    try:
        with quiet(), Image.open(BytesIO(source.read(name))) as image:
            return float(image.width), float(image.height)
    except Exception:  # decoding says later what is wrong with it
        return 1.0, 1.0


def _json(source: Source, name: str) -> Any:
    try:
        return json.loads(source.read(name))
    except ValueError as error:
        if not any(word in name.lower() for word in _ANNOTATIONS):
            return None  # some other file, which is nobody's business here
        raise DataError(f"{source.describe(name)} is no JSON: {error}") from None


def _xml(source: Source, name: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(source.read(name))
    except ElementTree.ParseError as error:
        raise DataError(f"{source.describe(name)} is no XML: {error}") from None


def _text(tree: ElementTree.Element, path: str) -> str:
    return (tree.findtext(path) or "").strip()


def _number(tree: ElementTree.Element, path: str) -> float:
    try:
        return float(_text(tree, path))
    except ValueError:
        return float("nan")
