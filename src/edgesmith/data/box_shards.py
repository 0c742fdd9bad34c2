"""Shards of pictures with boxes: beside each a JSON file of its size and objects, as `pack` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from edgesmith.core.errors import DataError
from edgesmith.data.drawn_boxes import Drawn
from edgesmith.data.found_boxes import Found
from edgesmith.data.layout import WHOLE, Layout, split_of
from edgesmith.data.shards import ShardSource
from edgesmith.data.sources import Source


def read_shards(source: Source, root: str) -> Layout | None:
    """The set, if it is one of shards with a JSON file beside each picture; None if it is not.

    Raises:
        DataError: Such a file cannot be read.
    """
    if not isinstance(source, ShardSource) or not source.annotations:
        return None
    found = Found()
    for name, text in source.annotations.items():
        try:
            data = json.loads(text)
            size = (float(data["width"]), float(data["height"]))
            drawn = [_shard_box(row, number) for number, row in enumerate(data["objects"], start=1)]
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"what stands beside {source.describe(name)} is no list of boxes: {error}") from None
        if any(not 0 <= each.label < len(source.class_names) for each in drawn):
            raise DataError(f"{source.describe(name)} has a box of a class that classes.txt does not name")
        found.add(split_of(name.partition("/")[0]) or WHOLE, name, drawn, size)
    return found.layout(tuple(source.class_names))


def _shard_box(row: Mapping[str, Any], number: int) -> Drawn:
    left, top, width, height = map(float, row["bbox"])
    corners = (left, top, left + width, top + height)
    crowd = bool(row.get("iscrowd", 0))
    return Drawn(label=int(row["label"]), corners=corners, where=f"object {number}", crowd=crowd)
