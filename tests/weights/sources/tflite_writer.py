"""A writer of ``.tflite`` files over the schema's own package, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

DTYPES = {"FLOAT32": "<f4", "FLOAT16": "<f2", "INT32": "<i4", "INT8": "<i1", "UINT8": "<u1"}
OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "ADD": "AddOptions",
    "MUL": "MulOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
}


@dataclass(frozen=True, kw_only=True)
class Written:
    """A tensor to be written."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    value: NDArray[Any] | None
    scale: tuple[float, ...]
    zero: tuple[int, ...]
    axis: int


@dataclass
class GraphWriter:
    """Collects tensors and operators, then writes them."""

    tensors: list[Written] = field(default_factory=list)
    operators: list[tuple[str, tuple[int, ...], int, dict[str, Any]]] = field(default_factory=list)

    def tensor(
        self,
        shape: Sequence[int],
        *,
        name: str = "",
        dtype: str = "FLOAT32",
        value: NDArray[Any] | None = None,
        scale: Sequence[float] = (),
        zero: Sequence[int] = (),
        axis: int = 0,
    ) -> int:
        """A new tensor's number."""
        written = Written(
            name=name or f"t{len(self.tensors)}",
            shape=tuple(shape),
            dtype=dtype,
            value=value,
            scale=tuple(scale),
            zero=tuple(zero),
            axis=axis,
        )
        self.tensors.append(written)
        return len(self.tensors) - 1

    def operator(self, kind: str, inputs: Sequence[int], output: int, **options: Any) -> int:
        """A new operator; ``options`` are the schema's, with names for enumerations."""
        self.operators.append((kind, tuple(inputs), output, options))
        return output

    def write(
        self, path: Path, *, inputs: Sequence[int], outputs: Sequence[int], metadata: Mapping[str, bytes]
    ) -> None:
        """Write the file."""
        b = flatbuffers.Builder(1 << 20)
        data = [b"" if t.value is None else np.asarray(t.value, DTYPES[t.dtype]).tobytes() for t in self.tensors]
        buffers = [_buffer(b, content) for content in [b"", *data, *metadata.values()]]
        kinds = sorted({kind for kind, *_ in self.operators})
        codes = [_code(b, kind) for kind in kinds]
        tensors = [_tensor(b, tensor, number + 1) for number, tensor in enumerate(self.tensors)]
        operators = [
            _operator(b, kinds.index(kind), kind, read, made, options) for kind, read, made, options in self.operators
        ]
        subgraph = _subgraph(b, tensors, operators, inputs, outputs)
        entries = [_entry(b, name, len(data) + 1 + number) for number, name in enumerate(metadata)]
        vectors = [_offsets(b, items) for items in (codes, [subgraph], buffers, entries)]
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, vectors[0])
        tflite.ModelAddSubgraphs(b, vectors[1])
        tflite.ModelAddBuffers(b, vectors[2])
        tflite.ModelAddMetadata(b, vectors[3])
        b.Finish(tflite.ModelEnd(b), file_identifier=b"TFL3")
        path.write_bytes(bytes(b.Output()))


def _offsets(b: Any, items: Sequence[int]) -> int:
    b.StartVector(4, len(items), 4)
    for item in reversed(items):
        b.PrependUOffsetTRelative(item)
    return int(b.EndVector())


def _buffer(b: Any, content: bytes) -> int:
    vector = b.CreateByteVector(content) if content else None
    tflite.BufferStart(b)
    if vector is not None:
        tflite.BufferAddData(b, vector)
    return int(tflite.BufferEnd(b))


def _code(b: Any, kind: str) -> int:
    number = getattr(tflite.BuiltinOperator, kind)
    tflite.OperatorCodeStart(b)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(number, 127))
    tflite.OperatorCodeAddBuiltinCode(b, number)
    tflite.OperatorCodeAddVersion(b, 1)
    return int(tflite.OperatorCodeEnd(b))


def _tensor(b: Any, tensor: Written, buffer: int) -> int:
    name = b.CreateString(tensor.name)
    shape = b.CreateNumpyVector(np.array(tensor.shape, np.int32))
    quantization = _quantization(b, tensor) if tensor.scale else None
    tflite.TensorStart(b)
    tflite.TensorAddShape(b, shape)
    tflite.TensorAddType(b, getattr(tflite.TensorType, tensor.dtype))
    tflite.TensorAddBuffer(b, buffer)
    tflite.TensorAddName(b, name)
    if quantization is not None:
        tflite.TensorAddQuantization(b, quantization)
    return int(tflite.TensorEnd(b))


def _quantization(b: Any, tensor: Written) -> int:
    scale = b.CreateNumpyVector(np.array(tensor.scale, np.float32))
    zero = b.CreateNumpyVector(np.array(tensor.zero or (0,) * len(tensor.scale), np.int64))
    tflite.QuantizationParametersStart(b)
    tflite.QuantizationParametersAddScale(b, scale)
    tflite.QuantizationParametersAddZeroPoint(b, zero)
    tflite.QuantizationParametersAddQuantizedDimension(b, tensor.axis)
    return int(tflite.QuantizationParametersEnd(b))


def _operator(b: Any, code: int, kind: str, inputs: Sequence[int], output: int, options: Mapping[str, Any]) -> int:
    table = _options(b, OPTIONS[kind], options) if kind in OPTIONS else None
    read, made = (b.CreateNumpyVector(np.array(numbers, np.int32)) for numbers in (inputs, [output]))
    tflite.OperatorStart(b)
    tflite.OperatorAddOpcodeIndex(b, code)
    tflite.OperatorAddInputs(b, read)
    tflite.OperatorAddOutputs(b, made)
    if table is not None:
        tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, OPTIONS[kind]))
        tflite.OperatorAddBuiltinOptions(b, table)
    return int(tflite.OperatorEnd(b))


def _options(b: Any, table: str, options: Mapping[str, Any]) -> int:
    enums = {"FusedActivationFunction": tflite.ActivationFunctionType, "Padding": tflite.Padding}
    getattr(tflite, f"{table}Start")(b)
    for name, value in options.items():
        number = getattr(enums[name], value) if name in enums else value
        getattr(tflite, f"{table}Add{name}")(b, number)
    return int(getattr(tflite, f"{table}End")(b))


def _subgraph(
    b: Any, tensors: Sequence[int], operators: Sequence[int], inputs: Sequence[int], outputs: Sequence[int]
) -> int:
    made, run = _offsets(b, tensors), _offsets(b, operators)
    read, answer = (b.CreateNumpyVector(np.array(numbers, np.int32)) for numbers in (inputs, outputs))
    tflite.SubGraphStart(b)
    tflite.SubGraphAddTensors(b, made)
    tflite.SubGraphAddInputs(b, read)
    tflite.SubGraphAddOutputs(b, answer)
    tflite.SubGraphAddOperators(b, run)
    return int(tflite.SubGraphEnd(b))


def _entry(b: Any, name: str, buffer: int) -> int:
    text = b.CreateString(name)
    tflite.MetadataStart(b)
    tflite.MetadataAddName(b, text)
    tflite.MetadataAddBuffer(b, buffer)
    return int(tflite.MetadataEnd(b))
