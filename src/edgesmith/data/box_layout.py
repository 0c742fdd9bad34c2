"""How a detection set lies in its source: COCO JSON, Pascal VOC, YOLO text, or in shards beside each picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from edgesmith.data.box_shards import read_shards
from edgesmith.data.coco_layout import read_coco
from edgesmith.data.layout import Layout
from edgesmith.data.sources import Source
from edgesmith.data.voc_layout import read_voc
from edgesmith.data.yolo_layout import read_yolo

_READERS: Final[Sequence[Callable[[Source, str], Layout | None]]] = (read_shards, read_coco, read_voc, read_yolo)


def find_boxed(source: Source, root: str) -> Layout | None:
    """The set, if it is one with boxes; None if it is not.

    What is wrong with a single picture's labels is a fault of that picture: see `Sample.fault`.

    Raises:
        DataError: It is one, and what its annotations are of is not to be had.
    """
    for read in _READERS:
        found = read(source, root)
        if found is not None:
            return found
    return None
