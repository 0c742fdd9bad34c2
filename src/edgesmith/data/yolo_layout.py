"""YOLO's text files -> pictures with boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from edgesmith.core.errors import DataError
from edgesmith.core.extras import require
from edgesmith.data.drawn_boxes import UNIT, Drawn
from edgesmith.data.found_boxes import Found, size_in_file
from edgesmith.data.layout import WHOLE, Layout, split_of
from edgesmith.data.names import is_picture_name
from edgesmith.data.sources import Source

_NAME_FILES: Final = ("classes.txt", "obj.names")
_SMALL: Final = 0.01  # of a picture's side: a box that may have less than half a pixel
_SHOWN: Final = 60


def read_yolo(source: Source, root: str) -> Layout | None:
    """``images`` and ``labels`` side by side; a line is class, centre x, centre y, width, height as shares.

    A line of more numbers is the outline of an object, class, x, y, x, y and so on: its box is what it spans.
    """
    names = set(source.names())
    texts = {
        n
        for n in names
        if n.startswith(root)
        and n.endswith(".txt")
        and "/labels/" in f"/{n}"
        and PurePosixPath(n).name not in _NAME_FILES
    }
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
    classes, found = _classes(source, root), Found()
    for split, name, file in pairs:
        drawn = _drawn(source, file, len(classes)) if file in texts else []
        if isinstance(drawn, str):
            found.faulty(split, name, drawn)
        else:
            _add(found, source, split, name, drawn)
    for file in sorted(texts - {file for _, _, file in pairs}):
        found.missing(file.removesuffix(".txt").replace("labels/", "images/"), f"{file} is of it")
    return found.layout(classes)


def _add(found: Found, source: Source, split: str, name: str, drawn: Sequence[Drawn]) -> None:
    """Boxes stay shares of the picture; its pixels are asked for where one may be smaller, or reaches beyond it."""
    if all(_is_plain(each) for each in drawn):
        found.add(split, name, drawn, UNIT)
        return
    size = size_in_file(source, name)
    width, height = size or UNIT
    scaled = [
        replace(each, corners=(left * width, top * height, right * width, bottom * height))
        for each in drawn
        for left, top, right, bottom in [each.corners]
    ]
    found.add(split, name, scaled, size)


def _is_plain(drawn: Drawn) -> bool:
    left, top, right, bottom = drawn.corners
    return min(left, top) >= 0 and max(right, bottom) <= 1 and min(right - left, bottom - top) > _SMALL


def _drawn(source: Source, file: str, num_classes: int) -> list[Drawn] | str:
    """The boxes of a file, or what is wrong with its first line that is none."""
    try:
        lines = source.read(file).decode("utf-8", "replace").splitlines()
        return [_box(line, number, file, num_classes) for number, line in enumerate(lines, 1) if line.split()]
    except DataError as error:
        return str(error)


def _box(line: str, number: int, file: str, num_classes: int) -> Drawn:
    try:
        label, *values = (float(value) for value in line.split())
    except ValueError:
        values = []
    is_outline = len(values) >= 6 and len(values) % 2 == 0
    if len(values) not in (4, 5) and not is_outline:  # a fifth is a score
        raise DataError(f"{file}, line {number}: not 'class x y width height': {line[:_SHOWN]!r}")
    if not 0 <= label < num_classes or label != int(label):
        raise DataError(f"{file}, line {number}: class {label:g}, but there are {num_classes} (0 to {num_classes - 1})")
    if is_outline:
        corners = (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))
    else:
        x, y, width, height = values[:4]
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return Drawn(label=int(label), corners=corners, where=f"line {number} of {file}")


def _classes(source: Source, root: str) -> tuple[str, ...]:
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
    text = next((n for n in source.names() if PurePosixPath(n).name in _NAME_FILES), None)
    if text is None:
        raise DataError(
            f"{source.location} has YOLO labels but no names: write data.yaml (names: [...]) or classes.txt"
        )
    return tuple(source.read(text).decode("utf-8", "replace").removesuffix("\n").split("\n"))
