"""Reads ``labels.csv``: one line a picture with its class index, class name and file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edgesmith.core.errors import DataError
from edgesmith.data.layout import TRAIN, WHOLE, Layout, split_of, stray
from edgesmith.data.names import is_document
from edgesmith.data.samples import Problem, Sample
from edgesmith.data.sources import Source

MAX_CLASSES: Final = 100_000

_COLUMNS: Final = ("index", "name", "file")


@dataclass(frozen=True)
class _Row:
    index: int
    name: str
    file: str


def read_label_table(source: Source, table: str) -> Layout:
    """The set that a table describes; files under ``train/``, ``val/`` or ``test/`` belong to that split.

    The class order is the index column's. A name that two indices share is told apart as ``name (index)``; an index
    between others that no line names becomes the empty class ``unnamed INDEX``.

    Args:
        source: Holds the table and the pictures.
        table: The table's name in the source; files are relative to its folder.

    Raises:
        DataError: A column is missing, a line is malformed, or none of the files is there.
    """
    rows = list(_rows(source, table))
    root = table[: table.rfind("/") + 1]
    classes = _classes(source, table, rows)
    known = set(source.names())
    present = [row for row in rows if root + row.file in known]
    if not present:
        raise DataError(f"{source.describe(table)} lists {len(rows)} files and none of them is in {source.location}")
    splits: dict[str, list[Sample]] = {}
    for row in present:
        split = split_of(row.file.split("/", 1)[0]) if "/" in row.file else None
        splits.setdefault(split or WHOLE, []).append(Sample(root + row.file, row.index))
    if WHOLE in splits and len(splits) > 1:
        raise DataError(f"{source.describe(table)} lists files both inside and outside train, val and test folders")
    empty, extra = _incomplete(classes, splits)
    problems = [*_missing(rows, known, root), *_stray(source, present, root)]
    return Layout(
        classes=classes,
        splits={split: tuple(sorted(found, key=lambda s: s.name)) for split, found in splits.items()},
        empty_classes=empty,
        extra_classes=extra,
        problems=tuple(problems),
    )


def _rows(source: Source, table: str) -> Iterator[_Row]:
    where = source.describe(table)
    text = source.read(table).decode("utf-8-sig", "replace")
    reader = csv.reader(text.splitlines())
    header = [cell.strip().lower() for cell in next(reader, [])]
    lacking = [column for column in _COLUMNS if column not in header]
    if lacking:
        raise DataError(
            f"{where} lacks the column {', '.join(lacking)}; its first line must name {', '.join(_COLUMNS)}"
        )
    places = [header.index(column) for column in _COLUMNS]
    seen: set[str] = set()
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        row = _row(cells, places, where=f"{where} line {reader.line_num}")
        if row.file in seen:
            raise DataError(f"{where} line {reader.line_num} lists {row.file!r} a second time")
        seen.add(row.file)
        yield row


def _row(cells: list[str], places: list[int], *, where: str) -> _Row:
    if len(cells) <= max(places):
        raise DataError(f"{where} has {len(cells)} cells; {max(places) + 1} are needed")
    index, name, file = (cells[place].strip() for place in places)
    if not index.isdecimal() or int(index) >= MAX_CLASSES:
        raise DataError(f"{where}: index must be a whole number from 0 to {MAX_CLASSES - 1}, got {index!r}")
    return _Row(int(index), name, "/".join(p for p in file.replace("\\", "/").split("/") if p not in ("", ".")))


def _classes(source: Source, table: str, rows: list[_Row]) -> tuple[str, ...]:
    names: dict[int, str] = {}
    for row in rows:
        if names.setdefault(row.index, row.name) != row.name:
            where = source.describe(table)
            raise DataError(f"{where} calls index {row.index} both {names[row.index]!r} and {row.name!r}")
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    full = {i: f"{name} ({i})" if name in shared else name for i, name in names.items()}
    return tuple(full.get(index, f"unnamed {index}") for index in range(max(full, default=-1) + 1))


def _incomplete(classes: tuple[str, ...], splits: dict[str, list[Sample]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Classes without a picture in train (or the whole) at all, and those that only another split has."""
    others = {sample.label for found in splits.values() for sample in found}
    own = {sample.label for sample in splits[TRAIN]} if TRAIN in splits else others
    lacking = [label for label in range(len(classes)) if label not in own]
    empty = tuple(classes[label] for label in lacking if label not in others)
    return empty, tuple(classes[label] for label in lacking if label in others)


def _missing(rows: list[_Row], known: set[str], root: str) -> list[Problem]:
    return [
        Problem(kind="missing", file=root + row.file, detail="listed in the label table, but not there")
        for row in rows
        if root + row.file not in known
    ]


def _stray(source: Source, present: list[_Row], root: str) -> list[Problem]:
    listed = {root + row.file for row in present}
    return [stray(name) for name in source.names() if name not in listed and not is_document(name)]
