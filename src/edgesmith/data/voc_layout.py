"""Pascal VOC's XML files -> pictures with boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final
from xml.etree import ElementTree

from edgesmith.core.errors import DataError
from edgesmith.data.drawn_boxes import Drawn
from edgesmith.data.found_boxes import Found, stated_size
from edgesmith.data.layout import TEST, TRAIN, VAL, WHOLE, Layout
from edgesmith.data.names import is_picture_name
from edgesmith.data.sources import Source

_LISTS: Final = "ImageSets/Main"


def read_voc(source: Source, root: str) -> Layout | None:
    """``Annotations/*.xml``, ``JPEGImages`` and the lists in ``ImageSets/Main``."""
    names = source.names()
    files = {
        PurePosixPath(n).stem: n for n in names if n.startswith(f"{root}Annotations/") and n.lower().endswith(".xml")
    }
    if not files:
        return None
    found = Found()
    split_by_stem = _lists(source, root, found, files)
    pictures = _pictures(names, root, found)
    trees: list[tuple[str, str, ElementTree.Element | str]] = []
    for stem, file in files.items():
        if split_by_stem and stem not in split_by_stem:
            continue
        if stem not in pictures:
            found.missing(f"{root}JPEGImages/{stem}", f"{file} is of it")
            continue
        trees.append((split_by_stem.get(stem, WHOLE), pictures[stem], _xml(source, file)))
    classes = tuple(sorted({name for _, _, tree in trees if not isinstance(tree, str) for name in _names(tree)}))
    for split, picture, tree in trees:
        if isinstance(tree, str):
            found.faulty(split, picture, tree)
            continue
        size = (_number(tree, "size/width"), _number(tree, "size/height"))
        found.add(split, picture, _drawn(tree, classes, picture, found), stated_size(size, source, picture))
    return found.layout(classes)


def _pictures(names: Sequence[str], root: str, found: Found) -> dict[str, str]:
    """Pictures by stem; of two files of one stem, which one annotation file would stand for, the first."""
    pictures: dict[str, str] = {}
    for name in names:
        if name.startswith(f"{root}JPEGImages/") and is_picture_name(name):
            first = pictures.setdefault(PurePosixPath(name).stem, name)
            if first != name:
                found.repeated(name, f"{first} has the same name but for its ending, and the boxes; passed over")
    return pictures


def _lists(source: Source, root: str, found: Found, files: dict[str, str]) -> dict[str, str]:
    """The split of each listed picture; of a picture in two lists the later one's, which is for evaluation."""
    split_by_stem: dict[str, str] = {}
    for split in (TRAIN, VAL, TEST):
        listed = f"{root}{_LISTS}/{split}.txt"
        if listed not in source.names():
            continue
        for line in source.read(listed).decode("utf-8", "replace").splitlines():
            stem = next(iter(line.split()), "")
            if stem and stem not in files:
                found.missing(f"{root}Annotations/{stem}.xml", f"{listed} lists {stem}")
            elif stem:
                if split_by_stem.get(stem, split) != split:
                    found.repeated(files[stem], f"listed in {split_by_stem[stem]} and {split}; it counts as {split}")
                split_by_stem[stem] = split
    return split_by_stem


def _drawn(tree: ElementTree.Element, classes: tuple[str, ...], picture: str, found: Found) -> list[Drawn]:
    drawn = []
    for number, each in enumerate(tree.iter("object"), start=1):
        name = _text(each, "name")
        if not name:
            found.remark(picture, f"object {number}: it has no name")
            continue
        left, top, right, bottom = (_number(each, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax"))
        drawn.append(
            Drawn(
                label=classes.index(name),
                corners=(left, top, right, bottom),
                where=f"object {number}",
                crowd=_text(each, "difficult") == "1",
            )
        )
    return drawn


def _names(tree: ElementTree.Element) -> set[str]:
    return {name for each in tree.iter("object") if (name := _text(each, "name"))}


def _xml(source: Source, name: str) -> ElementTree.Element | str:
    """The tree, or what is wrong with the file."""
    try:
        return ElementTree.fromstring(source.read(name))
    except ElementTree.ParseError as error:
        return f"{name} is no XML: {error}"
    except DataError as error:
        return str(error)


def _text(tree: ElementTree.Element, path: str) -> str:
    return (tree.findtext(path) or "").strip()


def _number(tree: ElementTree.Element, path: str) -> float:
    try:
        return float(_text(tree, path))
    except ValueError:
        return float("nan")
