"""COCO's JSON -> pictures with boxes, and a remark on every annotation that is of nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from edgesmith.core.errors import DataError
from edgesmith.data.drawn_boxes import Drawn
from edgesmith.data.found_boxes import Found, stated_size
from edgesmith.data.layout import WHOLE, Layout, split_of
from edgesmith.data.names import is_picture_name
from edgesmith.data.sources import Source

_ANNOTATIONS: Final = ("annotation", "instances", "coco")  # a file so named is one, even where it cannot be read
_SHOWN: Final = 5

Row = Mapping[str, Any]


def read_coco(source: Source, root: str) -> Layout | None:
    """Every JSON file with images, annotations and categories; its name or folder says which split it is.

    Raises:
        DataError: A file that should be one is no JSON, or is of another make.
    """
    files: dict[str, Any] = {}
    for name in source.names():
        if name.startswith(root) and name.lower().endswith(".json"):
            data = _json(source, name)
            if isinstance(data, dict) and {"images", "annotations", "categories"} <= set(data):
                files[name] = data
    if not files:
        return None
    try:
        return _layout(source, root, files)
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise DataError(f"{', '.join(files)} of {source.location} is not as COCO has it: {error}") from None


def _layout(source: Source, root: str, files: Mapping[str, Any]) -> Layout:
    classes, places = _classes(files.values())
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for name in source.names():
        if is_picture_name(name):
            by_name[PurePosixPath(name).name].append(name)
    found = Found()
    for file, data in files.items():
        split = _split_of_file(file[len(root) :])
        rows = _rows_by_image(found, file, data)
        for image in data["images"]:
            picture = _picture_of(str(image.get("file_name", "")), file, by_name)
            if picture is None:
                found.missing(str(image.get("file_name")), f"{file} lists it")
                continue
            size = (float(image.get("width") or 0), float(image.get("height") or 0))
            drawn = _drawn(found, picture, rows.get(image.get("id"), ()), places)
            found.add(split, picture, drawn, stated_size(size, source, picture))
    return found.layout(classes, tuple(places) if all(type(each) is int for each in places) else ())


def _classes(files: Iterable[Any]) -> tuple[tuple[str, ...], dict[Any, int]]:
    """Names in the order of their ids, which may have gaps and begin anywhere; and the place of each id."""
    names: dict[Any, str] = {}
    for data in files:
        for row in data["categories"]:
            known = names.setdefault(row.get("id"), str(row.get("name")))
            if known != str(row.get("name")):
                raise DataError(f"category {row.get('id')} is {known!r} in one file and {row.get('name')!r} in another")
    ids = sorted(names, key=lambda each: (str(type(each)), each))
    return tuple(names[each] for each in ids), {each: place for place, each in enumerate(ids)}


def _rows_by_image(found: Found, file: str, data: Row) -> Mapping[Any, Sequence[Row]]:
    """Annotations by the id of their image; those of an image that is not listed are remarked, once an image."""
    listed: set[Any] = set()
    for image in data["images"]:
        if image.get("id") in listed:
            found.repeated(file, f"image {image.get('id')} is listed a second time; both have all its annotations")
        listed.add(image.get("id"))
    rows: defaultdict[Any, list[Row]] = defaultdict(list)
    for place, row in enumerate(data["annotations"], start=1):
        if isinstance(row, Mapping) and isinstance(row.get("image_id"), int | str | float):
            rows[row["image_id"]].append(row)
        else:
            found.remark(file, f"annotation at place {place}: it names no image")
    for image_id in [each for each in rows if each not in listed]:
        foreign = [str(row.get("id")) for row in rows.pop(image_id)]
        more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
        found.remark(
            file, f"annotation {', '.join(foreign[:_SHOWN])}{more}: of image {image_id!r}, which is not listed"
        )
    return rows


def _drawn(found: Found, picture: str, rows: Sequence[Row], places: Mapping[Any, int]) -> list[Drawn]:
    """The boxes of one picture; those of an unknown category are remarked."""
    drawn = []
    for row in rows:
        category = row.get("category_id")
        if isinstance(category, int | str | float) and category in places:
            drawn.append(_box(row, places[category]))
        else:
            detail = f"annotation {row.get('id')}: category {category!r} is not among the file's categories"
            found.remark(picture, detail)
    return drawn


def _box(row: Row, label: int) -> Drawn:
    """Left, top, width, height; a crowd's outline, whatever it is coded in, is not read."""
    bbox = row.get("bbox")
    values = [float(v) if isinstance(v, int | float) else float("nan") for v in bbox] if isinstance(bbox, list) else []
    left, top, width, height = values if len(values) == 4 else [float("nan")] * 4
    return Drawn(
        label=label,
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


def _split_of_file(name: str) -> str:
    """From the parts of a path: ``train/_annotations.coco.json``, ``annotations/instances_val2017.json``."""
    path = PurePosixPath(name)
    for part in (*path.parts[:-1], *path.stem.replace("-", "_").split("_")):
        split = split_of(part.rstrip("0123456789"))
        if split:
            return split
    return WHOLE


def _json(source: Source, name: str) -> Any:
    try:
        return json.loads(source.read(name))
    except ValueError as error:
        if not any(word in name.lower() for word in _ANNOTATIONS):
            return None  # some other file, which is nobody's business here
        raise DataError(f"{source.describe(name)} is no JSON: {error}") from None
