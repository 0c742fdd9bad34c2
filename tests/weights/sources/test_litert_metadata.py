from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

flatbuffers: Any = pytest.importorskip("flatbuffers", reason="flatbuffers is not installed")

from edgesmith.core.errors import WeightsError  # noqa: E402
from edgesmith.weights.sources.litert_metadata import read_normalization  # noqa: E402

BUFFER = "TFLITE_METADATA"


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


def metadata(mean: Sequence[float], std: Sequence[float], *, kind: int = 1) -> bytes:
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


def test_mean_and_deviation_are_read() -> None:
    assert read_normalization({BUFFER: metadata([127.0], [128.0])}) == (127.0, 128.0)
    assert read_normalization({BUFFER: metadata([0.0] * 3, [255.0] * 3)}) == (0.0, 255.0)


def test_files_without_one() -> None:
    assert read_normalization({}) is None
    assert read_normalization({"min_runtime_version": b"1.5.0"}) is None
    assert read_normalization({BUFFER: metadata([1.0], [1.0], kind=2)}) is None


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"scale each channel apart \(\[1.0, 2.0, 3.0\]\)"):
        read_normalization({BUFFER: metadata([1.0, 2.0, 3.0], [1.0])})
    with pytest.raises(WeightsError, match="metadata are damaged"):
        read_normalization({BUFFER: b"\x08\0\0\0M001"})
