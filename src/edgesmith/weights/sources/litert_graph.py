"""A ``.tflite`` file as plain data: operators in execution order, and tensors with their real values.

Source: tensorflow/lite/schema/schema.fbs; the quantization rule is real = (q - zero) * scale.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import WeightsError
from edgesmith.core.extras import require

_EXTRA: Final = "weights"
_DTYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"FLOAT32": "<f4", "FLOAT16": "<f2", "INT32": "<i4", "INT64": "<i8", "INT8": "<i1", "UINT8": "<u1"}
)
_LIMITS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType({"UINT8": (0, 255), "INT8": (-128, 127)})
_OPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CONV_2D": "Conv2DOptions",
        "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
        "FULLY_CONNECTED": "FullyConnectedOptions",
        "AVERAGE_POOL_2D": "Pool2DOptions",
        "RESIZE_BILINEAR": "ResizeBilinearOptions",
        "ADD": "AddOptions",
        "SUB": "SubOptions",
        "MUL": "MulOptions",
        "DIV": "DivOptions",
    }
)


@dataclass(frozen=True, kw_only=True)
class FileTensor:
    """One tensor of the file.

    Attributes:
        name: As the converter wrote it.
        shape: In TensorFlow's order: ``(N, height, width, channels)`` for feature maps.
        dtype: Name of the stored type, ``UINT8``.
        scale: Step of a quantized tensor, one number, or one for each channel; empty for others.
        zero: Stored number that stands for zero, as many as ``scale`` has.
        axis: Axis that runs over the channels, where there is a scale for each.
        value: Real numbers of a constant, dequantised; None for what is computed.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: NDArray[np.float64]
    zero: NDArray[np.float64]
    axis: int
    value: NDArray[np.float64] | None

    @property
    def limits(self) -> tuple[float, float] | None:
        """Least and greatest real value of a tensor that is quantized to 8 bits; None for others."""
        if self.dtype not in _LIMITS or len(self.scale) != 1:
            return None
        low, high = ((limit - float(self.zero[0])) * float(self.scale[0]) for limit in _LIMITS[self.dtype])
        return low, high


@dataclass(frozen=True, kw_only=True)
class FileOperator:
    """One operator of the file.

    Attributes:
        kind: TensorFlow Lite's name for it, ``CONV_2D``.
        inputs: Numbers of the tensors that it reads; -1 where an optional one is left out.
        outputs: Numbers of the tensors that it makes.
        fused: Activation behind it: ``NONE``, ``RELU``, ``RELU6``, ...
        padding: ``SAME`` or ``VALID``.
        stride: Vertical and horizontal step in pixels.
        dilation: Vertical and horizontal distance between a filter's taps.
        window: Height and width of a pool's window; zeros for others.
        corners: Where a resize puts its samples: ``aligned``, ``half`` a pixel in, or at the ``origin``.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    fused: str = "NONE"
    padding: str = "VALID"
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    window: tuple[int, int] = (0, 0)
    corners: str = ""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One file's computation.

    Attributes:
        tensors: By number.
        operators: In execution order.
        inputs: Numbers of the tensors that are fed.
        outputs: Numbers of the tensors that are the answer.
        metadata: Contents of the file's named metadata buffers.
    """

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    metadata: Mapping[str, bytes] = field(default_factory=dict)


def read_graph(path: Path) -> Graph:
    """Read a file.

    Raises:
        WeightsError: It is missing, damaged, or no ``.tflite`` file.
        MissingExtraError: The schema's package is not installed.
    """
    schema = require("tflite", extra=_EXTRA)
    if not path.is_file():
        raise WeightsError(f"no .tflite file at {path.absolute()}")
    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise WeightsError(f"{path} is not a .tflite file: it does not say TFL3 at its fifth byte")
    try:
        model = schema.Model.GetRootAs(data, 0)
        return _graph(schema, model)
    except (struct.error, IndexError, ValueError, TypeError, AttributeError):
        raise WeightsError(f"{path} is a damaged .tflite file") from None


def _graph(schema: Any, model: Any) -> Graph:
    subgraph = model.Subgraphs(0)
    kinds = [_kind(schema, model.OperatorCodes(number)) for number in range(model.OperatorCodesLength())]
    entries = [model.Metadata(number) for number in range(model.MetadataLength())]
    return Graph(
        tensors=tuple(_tensor(schema, model, subgraph.Tensors(n)) for n in range(subgraph.TensorsLength())),
        operators=tuple(_operator(schema, kinds, subgraph.Operators(n)) for n in range(subgraph.OperatorsLength())),
        inputs=tuple(int(number) for number in subgraph.InputsAsNumpy()),
        outputs=tuple(int(number) for number in subgraph.OutputsAsNumpy()),
        metadata={entry.Name().decode(): _buffer(model, entry.Buffer()) for entry in entries},
    )


def _kind(schema: Any, code: Any) -> str:
    """Old files keep an operator's number in a byte, new ones in the wider field."""
    return _name(schema.BuiltinOperator, max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))


def _operator(schema: Any, kinds: list[str], operator: Any) -> FileOperator:
    kind = kinds[operator.OpcodeIndex()]
    inputs = tuple(int(number) for number in operator.InputsAsNumpy())
    outputs = tuple(int(number) for number in operator.OutputsAsNumpy())
    table = operator.BuiltinOptions()
    if kind not in _OPTIONS or table is None:
        return FileOperator(kind=kind, inputs=inputs, outputs=outputs)
    options = getattr(schema, _OPTIONS[kind])()
    options.Init(table.Bytes, table.Pos)
    if kind == "RESIZE_BILINEAR":
        return FileOperator(kind=kind, inputs=inputs, outputs=outputs, corners=_corners(options))
    has_window = hasattr(options, "FilterHeight")
    has_filter = hasattr(options, "StrideH")
    has_dilation = hasattr(options, "DilationHFactor")
    return FileOperator(
        kind=kind,
        inputs=inputs,
        outputs=outputs,
        fused=_name(schema.ActivationFunctionType, options.FusedActivationFunction()),
        padding=_name(schema.Padding, options.Padding()) if has_filter else "VALID",
        stride=(options.StrideH(), options.StrideW()) if has_filter else (1, 1),
        dilation=(options.DilationHFactor(), options.DilationWFactor()) if has_dilation else (1, 1),
        window=(options.FilterHeight(), options.FilterWidth()) if has_window else (0, 0),
    )


def _corners(options: Any) -> str:
    if options.AlignCorners():
        return "aligned"
    return "half" if options.HalfPixelCenters() else "origin"


def _tensor(schema: Any, model: Any, tensor: Any) -> FileTensor:
    dtype = _name(schema.TensorType, tensor.Type())
    shape = tuple(int(side) for side in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    record = tensor.Quantization()
    is_quantized = record is not None and record.ScaleLength() > 0
    scale = np.asarray(record.ScaleAsNumpy(), np.float64) if is_quantized else np.zeros(0)
    has_zero = is_quantized and record.ZeroPointLength() > 0
    zero = np.asarray(record.ZeroPointAsNumpy(), np.float64) if has_zero else np.zeros(len(scale))
    axis = record.QuantizedDimension() if is_quantized else 0
    data = _buffer(model, tensor.Buffer())
    value = _dequantised(data, dtype, shape, scale, zero, axis) if data and dtype in _DTYPES else None
    return FileTensor(
        name=tensor.Name().decode(), shape=shape, dtype=dtype, scale=scale, zero=zero, axis=axis, value=value
    )


def _dequantised(
    data: bytes,
    dtype: str,
    shape: tuple[int, ...],
    scale: NDArray[np.float64],
    zero: NDArray[np.float64],
    axis: int,
) -> NDArray[np.float64]:
    """Real numbers of a constant; ``(q - zero) * scale`` in float64."""
    stored = np.frombuffer(data, _DTYPES[dtype], count=prod(shape)).reshape(shape).astype(np.float64)
    if not len(scale):
        return stored
    along = [-1 if number == axis else 1 for number in range(len(shape))] if len(scale) > 1 else [1] * len(shape)
    return (stored - zero.reshape(along)) * scale.reshape(along)


def _buffer(model: Any, number: int) -> bytes:
    buffer = model.Buffers(number)
    return bytes(buffer.DataAsNumpy()) if buffer.DataLength() else b""


def _name(enum: Any, number: int) -> str:
    """The schema's name for a number of one of its enumerations."""
    return next((name for name, value in vars(enum).items() if value == number), f"number {number}")
