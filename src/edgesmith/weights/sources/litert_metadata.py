"""How a ``.tflite`` file's metadata want its pixels scaled.

Source: tflite-support, tensorflow_lite_support/metadata/metadata_schema.fbs. The `tflite` package has the schema of
models only, so that the few fields are read by their numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

from edgesmith.core.errors import WeightsError
from edgesmith.core.extras import require

Triple = tuple[float, float, float]

_EXTRA: Final = "weights"
_BUFFER: Final = "TFLITE_METADATA"
_NORMALIZATION: Final = 1  # of the union ProcessUnitOptions

# Fields by their place in the schema's tables.
_SUBGRAPHS, _INPUTS, _PROCESS_UNITS, _UNIT_TYPE, _UNIT, _MEAN, _STD = 3, 2, 4, 0, 1, 0, 1


def read_normalization(metadata: Mapping[str, bytes]) -> tuple[Triple, Triple] | None:
    """Mean and standard deviation of each channel, ``(value - mean) / std`` of 0..255 values; None where none are.

    Raises:
        WeightsError: The record is damaged, or not for three channels.
    """
    if _BUFFER not in metadata:
        return None
    try:
        return _normalization(metadata[_BUFFER])
    except (struct.error, IndexError, ValueError, TypeError):
        raise WeightsError("its metadata are damaged") from None


def _normalization(data: bytes) -> tuple[Triple, Triple] | None:
    for subgraph in _tables(_root(data), _SUBGRAPHS):
        for tensor in _tables(subgraph, _INPUTS):
            for unit in _tables(tensor, _PROCESS_UNITS):
                if _byte(unit, _UNIT_TYPE) == _NORMALIZATION:
                    options = _table(unit, unit.Pos + unit.Offset(_slot(_UNIT)))
                    mean, std = _by_channel(_floats(options, _MEAN)), _by_channel(_floats(options, _STD))
                    if not min(std) > 0:
                        raise WeightsError(f"its metadata divide the pixels by {min(std)}")
                    return mean, std
    return None


def _by_channel(values: list[float]) -> Triple:
    """Three numbers from three, or from one that holds for all channels."""
    if len(values) not in (1, 3):
        raise WeightsError(f"its metadata hold {len(values)} numbers for 3 channels")
    return values[0], values[len(values) // 2], values[-1]


def _root(data: bytes) -> Any:
    (start,) = struct.unpack_from("<I", data)
    return require("flatbuffers.table", extra=_EXTRA).Table(bytearray(data), start)


def _slot(field: int) -> int:
    """Where a table's directory has a field: behind two lengths, two bytes each."""
    return 4 + 2 * field


def _table(parent: Any, position: int) -> Any:
    """The table that the offset at a position points to."""
    return type(parent)(parent.Bytes, parent.Indirect(position))


def _tables(parent: Any, field: int) -> Iterator[Any]:
    """The tables of a list; none where the field is left out."""
    if offset := parent.Offset(_slot(field)):
        start = parent.Vector(offset)
        yield from (_table(parent, start + 4 * number) for number in range(parent.VectorLen(offset)))


def _byte(table: Any, field: int) -> int:
    flags = require("flatbuffers.number_types", extra=_EXTRA).Uint8Flags
    return int(table.GetSlot(_slot(field), 0, flags))


def _floats(table: Any, field: int) -> list[float]:
    flags = require("flatbuffers.number_types", extra=_EXTRA).Float32Flags
    offset = table.Offset(_slot(field))
    start = table.Vector(offset)
    return [float(table.Get(flags, start + 4 * number)) for number in range(table.VectorLen(offset))]
