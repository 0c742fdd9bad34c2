"""An ONNX file that holds one product of square matrices, written by hand.

ONNX Runtime belongs to every install and has the fastest product there is on most processors; the package that writes
its files does not. The format is Protocol Buffers: each field is its number and kind, then a length, then its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_OPSET: Final = 13
_IR_VERSION: Final = 7
_FLOAT, _UINT8, _INT8, _INT32 = 1, 2, 3, 6
_CODES: Final[Mapping[str, int]] = {"float32": _FLOAT, "uint8": _UINT8, "int8": _INT8, "int32": _INT32}


@dataclass(frozen=True, kw_only=True)
class Product:
    """A kind of product.

    Attributes:
        operator: ONNX' name.
        left: numpy's name of the first matrix' type, which is the input.
        right: Of the second, which the file holds.
        out: Of the product.
    """

    operator: str
    left: str
    right: str
    out: str


FLOAT32_PRODUCT: Final = Product(operator="MatMul", left="float32", right="float32", out="float32")
INT8_PRODUCT: Final = Product(operator="MatMulInteger", left="uint8", right="int8", out="int32")


def encode_product(product: Product, right: NDArray[np.generic]) -> bytes:
    """The file for inputs of the second matrix' own shape.

    Args:
        product: The kind.
        right: ``(size, size)``, of the kind's type.
    """
    shape = right.shape
    node = _text(1, "a") + _text(1, "b") + _text(2, "c") + _text(4, product.operator)
    held = b"".join(_number(1, side) for side in shape) + _number(2, _CODES[product.right]) + _text(8, "b")
    graph = (
        _bytes(1, node)
        + _text(2, "product")
        + _bytes(5, held + _bytes(9, right.tobytes()))
        + _bytes(11, _tensor("a", product.left, shape))
        + _bytes(12, _tensor("c", product.out, shape))
    )
    return _number(1, _IR_VERSION) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, _OPSET))


def _tensor(name: str, dtype: str, shape: tuple[int, ...]) -> bytes:
    """A ``ValueInfoProto``."""
    sides = b"".join(_bytes(1, _number(1, side)) for side in shape)
    tensor = _number(1, _CODES[dtype]) + _bytes(2, sides)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth bit says that more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
