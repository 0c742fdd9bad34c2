"""Shards of pictures with boxes: beside each a JSON file of its size and objects, as `pack` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from edgesmith.data.drawn_boxes import Drawn
from edgesmith.data.found_boxes import Found, stated_size
from edgesmith.data.layout import WHOLE, Layout, split_of
from edgesmith.data.shards import BOXES_SUFFIX, CLASSES_NAME, ShardSource
from edgesmith.data.sources import Source


def read_shards(source: Source, root: str) -> Layout | None:
    """The set, if it is one of shards with a JSON file beside each picture; None if it is not."""
    del root
    if not isinstance(source, ShardSource) or not source.annotations:
        return None
    found = Found()
    for name, text in source.annotations.items():
        split = split_of(name.partition("/")[0]) or WHOLE
        try:
            data = json.loads(text)
            size = (float(data["width"]), float(data["height"]))
            drawn = [_box(row, number) for number, row in enumerate(data["objects"], start=1)]
        except (ValueError, TypeError, KeyError) as error:
            what = f"is no list of boxes: {error!r}" if text else "is not there"
            found.faulty(split, name, f"the {BOXES_SUFFIX} file beside it {what}")
            continue
        foreign = next((each for each in drawn if not 0 <= each.label < len(source.class_names)), None)
        if foreign is not None:
            what = f"class {foreign.label}, and {CLASSES_NAME} names {len(source.class_names)}, counted from 0"
            found.faulty(split, name, f"{foreign.where} is of {what}")
            continue
        found.add(split, name, drawn, stated_size(size, source, name))
    return found.layout(tuple(source.class_names))


def _box(row: Mapping[str, Any], number: int) -> Drawn:
    left, top, width, height = map(float, row["bbox"])
    corners = (left, top, left + width, top + height)
    crowd = bool(row.get("iscrowd", 0))
    return Drawn(label=int(row["label"]), corners=corners, where=f"object {number}", crowd=crowd)
