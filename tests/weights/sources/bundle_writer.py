"""A writer of TensorFlow's checkpoint format, written from its description for tests alone."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
TYPES = {"float32": 1, "float64": 2, "int64": 9, "float16": 19}


def write_bundle(
    prefix: Path, variables: Mapping[str, NDArray[np.generic]], *, keys_a_block: int = 7, compression: int = 0
) -> None:
    """Write ``PREFIX.index`` and ``PREFIX.data-00000-of-00001``.

    Args:
        prefix: Path of the checkpoint.
        variables: By name.
        keys_a_block: Entries of each block of the table; few make many blocks.
        compression: What the blocks say of themselves; 1 is snappy.
    """
    data, entries = bytearray(), {"": number(1, 1)}
    for name in sorted(variables):
        value = np.asarray(variables[name])
        shape = b"".join(message(2, number(1, side)) for side in value.shape)
        place = number(4, len(data)) + number(5, value.nbytes)
        entries[name] = number(1, TYPES[value.dtype.name]) + message(2, shape) + place
        data += value.tobytes()
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(data)
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(entries, keys_a_block, compression))


def table(entries: Mapping[str, bytes], keys_a_block: int, compression: int) -> bytes:
    """A sorted table: blocks, an index of them, and a footer."""
    names = sorted(entries)
    written, handles = b"", {}
    for start in range(0, len(names), keys_a_block):
        part = names[start : start + keys_a_block]
        content = block({name: entries[name] for name in part})
        handles[part[-1]] = varint(len(written)) + varint(len(content))
        written += content + bytes([compression]) + b"\0\0\0\0"
    index = block(handles)
    handle = varint(len(written)) + varint(len(index))
    footer = (varint(0) + varint(0) + handle).ljust(40, b"\0") + MAGIC
    return written + index + b"\0" * 5 + footer


def block(entries: Mapping[str, bytes]) -> bytes:
    """Keys without what they share with the one before, and one restart point."""
    written, before = b"", b""
    for name, value in entries.items():
        key = name.encode()
        shared = num_shared(key, before)
        written += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return written + struct.pack("<II", 0, 1)


def num_shared(key: bytes, before: bytes) -> int:
    """Bytes that both begin with."""
    pairs = enumerate(zip(key, before, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(key), len(before)))


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    written = b""
    while value > 0x7F:
        written += bytes([value & 0x7F | 0x80])
        value >>= 7
    return written + bytes([value])
