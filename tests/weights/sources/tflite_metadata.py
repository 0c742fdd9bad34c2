"""A writer of the metadata of ``.tflite`` files, for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers


def table(b: Any, num_fields: int, *fields: Callable[[], None]) -> int:
    b.StartObject(num_fields)
    for put in fields:
        put()
    return int(b.EndObject())


def vector(b: Any, items: Sequence[Any], put: Callable[[Any], None]) -> int:
    b.StartVector(4, len(items), 4)
    for item in reversed(items):
        put(item)
    return int(b.EndVector())


def normalization(mean: Sequence[float], std: Sequence[float], *, kind: int = 1) -> bytes:
    """A model's metadata with one process unit of its input; kind 1 is a normalization."""
    b = flatbuffers.Builder(0)
    means, stds = vector(b, mean, b.PrependFloat32), vector(b, std, b.PrependFloat32)
    options = table(
        b, 2, lambda: b.PrependUOffsetTRelativeSlot(0, means, 0), lambda: b.PrependUOffsetTRelativeSlot(1, stds, 0)
    )
    unit = table(b, 2, lambda: b.PrependUint8Slot(0, kind, 0), lambda: b.PrependUOffsetTRelativeSlot(1, options, 0))
    units = vector(b, [unit], b.PrependUOffsetTRelative)
    tensor = table(b, 7, lambda: b.PrependUOffsetTRelativeSlot(4, units, 0))
    tensors = vector(b, [tensor], b.PrependUOffsetTRelative)
    subgraph = table(b, 8, lambda: b.PrependUOffsetTRelativeSlot(2, tensors, 0))
    subgraphs = vector(b, [subgraph], b.PrependUOffsetTRelative)
    b.Finish(table(b, 8, lambda: b.PrependUOffsetTRelativeSlot(3, subgraphs, 0)), file_identifier=b"M001")
    return bytes(b.Output())
