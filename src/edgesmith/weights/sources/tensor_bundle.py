"""TensorFlow's checkpoint files, read without TensorFlow.

A checkpoint ``model.ckpt`` is an index, ``model.ckpt.index``, and data files, ``model.ckpt.data-00000-of-00001``. The
index is a sorted table as LevelDB writes it: blocks of key-value pairs, found over an index block that a footer of 48
bytes points to. Its values are protocol buffers that say where in which data file a tensor's bytes lie.

Source: tensorflow/core/util/tensor_bundle/tensor_bundle.h and tensorflow/core/protobuf/tensor_bundle.proto; LevelDB's
doc/table_format.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import WeightsError

_MAGIC: Final = 0xDB4775248B80FB57
_FOOTER: Final = 48
_FLOATS: Final[Mapping[int, str]] = MappingProxyType({1: "<f4", 2: "<f8", 19: "<f2"})  # by TensorFlow's DataType

Fields = dict[int, list[int | bytes]]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a variable's numbers lie.

    Attributes:
        dtype: TensorFlow's number for the type; 1 is float32.
        shape: Lengths of the axes.
        shard: Number of the data file.
        offset: First byte in it.
        size: Number of bytes.
        is_sliced: Whether the variable is stored in parts under other keys.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    is_sliced: bool


class TensorBundle:
    """The variables of one checkpoint.

    Args:
        prefix: Path of the checkpoint without ``.index``.

    Attributes:
        entries: What the index says of each variable, by name.

    Raises:
        WeightsError: The index is missing, compressed or damaged.
    """

    def __init__(self, prefix: Path) -> None:
        self._prefix = prefix
        index = prefix.with_name(f"{prefix.name}.index")
        if not index.is_file():
            raise WeightsError(f"no checkpoint index at {index.absolute()}")
        try:
            table = dict(_read_table(index.read_bytes(), index))
            header = _fields(table.pop(b""))
            self.entries = {key.decode(errors="replace"): _entry(value) for key, value in table.items()}
        except (IndexError, KeyError, ValueError, struct.error):
            raise WeightsError(f"{index} is not the index of a TensorFlow checkpoint, or is damaged") from None
        if _number(header, 2):
            raise WeightsError(f"{index} was written on a big-endian machine; save it anew on a common one")
        self._num_shards = _number(header, 1)

    def floats(self) -> list[str]:
        """Names of the variables that hold floating-point numbers, sorted."""
        return sorted(name for name, entry in self.entries.items() if entry.dtype in _FLOATS)

    def read(self, name: str) -> NDArray[np.float32]:
        """One variable's numbers.

        Raises:
            WeightsError: It is stored in slices, or its data file is missing or too short.
        """
        entry = self.entries[name]
        if entry.is_sliced:
            raise WeightsError(f"{name!r} is stored in slices, which are not read; save it without a partitioner")
        shard = self._prefix.with_name(f"{self._prefix.name}.data-{entry.shard:05d}-of-{self._num_shards:05d}")
        if not shard.is_file():
            raise WeightsError(f"the checkpoint's data file is missing: {shard.absolute()}")
        with shard.open("rb") as file:
            file.seek(entry.offset)
            data = file.read(entry.size)
        dtype = np.dtype(_FLOATS[entry.dtype])
        if len(data) != entry.size or len(data) != prod(entry.shape) * dtype.itemsize:
            raise WeightsError(f"{shard} ends before the last byte of {name!r}: it is damaged or of another checkpoint")
        return np.frombuffer(data, dtype).reshape(entry.shape).astype(np.float32)


def _read_table(data: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every entry of a sorted table."""
    footer = data[-_FOOTER:]
    if len(footer) < _FOOTER or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise WeightsError(f"{path} is not the index of a TensorFlow checkpoint: its last 8 bytes are not a table's")
    at = _varint(footer, _varint(footer, 0)[1])[1]  # behind the handle of the meta index
    for _, handle in _read_block(data, footer[at:], path):
        yield from _read_block(data, handle, path)


def _read_block(data: bytes, handle: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every entry of one block; a key leaves out what it shares with the one before."""
    offset, at = _varint(handle, 0)
    size, _ = _varint(handle, at)
    if data[offset + size]:
        raise WeightsError(
            f"{path} is compressed (type {data[offset + size]}), which is not read; save it uncompressed"
        )
    block = data[offset : offset + size]
    (num_restarts,) = struct.unpack("<I", block[-4:])
    end = size - 4 - 4 * num_restarts
    key, at = b"", 0
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length


def _entry(data: bytes) -> Entry:
    """A BundleEntryProto: 1 dtype, 2 shape, 3 shard, 4 offset, 5 size, 7 slices."""
    fields = _fields(data)
    shape = _fields(_message(fields, 2)).get(2, [])
    return Entry(
        dtype=_number(fields, 1),
        shape=tuple(_number(_fields(bytes(dim)), 1) for dim in shape if isinstance(dim, bytes)),
        shard=_number(fields, 3),
        offset=_number(fields, 4),
        size=_number(fields, 5),
        is_sliced=7 in fields,
    )


def _fields(data: bytes) -> Fields:
    """A protocol buffer's values by field number: numbers as they are, everything else as bytes."""
    found: Fields = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _WIRE[tag & 7](data, at)
        found.setdefault(tag >> 3, []).append(value)
    return found


def _number(fields: Fields, number: int) -> int:
    """A field's number, 0 where it is left out."""
    value = fields.get(number, [0])[-1]
    return value if isinstance(value, int) else 0


def _message(fields: Fields, number: int) -> bytes:
    """A field's bytes, empty where it is left out."""
    value = fields.get(number, [b""])[-1]
    return value if isinstance(value, bytes) else b""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, lowest first, and where the next thing begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _counted(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _varint(data, at)
    return data[at : at + size], at + size


# How a field's value is read, by its wire type: number, 8 bytes, counted bytes, 4 bytes.
_WIRE: Final[Mapping[int, Callable[[bytes, int], tuple[Any, int]]]] = MappingProxyType(
    {
        0: _varint,
        1: lambda data, at: (data[at : at + 8], at + 8),
        2: _counted,
        5: lambda data, at: (data[at : at + 4], at + 4),
    }
)
