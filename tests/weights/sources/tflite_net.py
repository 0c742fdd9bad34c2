"""Zoo nets as ``.tflite`` graphs, in the ways that converters write them, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.map_operations import Multiply, Resize, WindowMean
from edgesmith.arch.names import Activation, Padding
from edgesmith.arch.network import trace_network
from edgesmith.arch.operations import Add, Convolution, Gate, GlobalPool, Linear
from edgesmith.arch.values import Operation, Value
from edgesmith.nn.build import Net
from edgesmith.nn.fold import fold_norms
from tests.weights.sources.tflite_writer import GraphWriter

FUSED = {Activation.NONE: "NONE", Activation.RELU: "RELU", Activation.RELU6: "RELU6", Activation.HARD_SWISH: "NONE"}


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a converter writes.

    Attributes:
        explicit_pads: Padding at stride 2 is an operator of its own.
        swish_in_parts: Hard-swish is an addition, a clip and two products.
        folded_gate: A gate's 3 is added to the bias before it.
        quantized: 8 bits, weights for each channel, activations for each tensor.
        scaling: Factor and offset on the pixels inside the graph.
        half: Weights are float16 and converted inside the graph.
        softmax: Whether the graph ends in one.
        dense_head: Whether linear layers are such, or 1x1 convolutions.
        metadata: Named buffers.
    """

    explicit_pads: bool = False
    swish_in_parts: bool = False
    folded_gate: bool = False
    quantized: bool = False
    scaling: tuple[float, float] | None = None
    half: bool = False
    softmax: bool = True
    dense_head: bool = False
    metadata: Mapping[str, bytes] = field(default_factory=dict)


def write_net(net: Net, path: Path, style: Style) -> dict[str, tuple[float, int]]:
    """Write a built net; returns scale and zero of each operation's output by its path, for a quantized one."""
    writer = _Writer(net, style)
    writer.run()
    writer.graph.write(path, inputs=[writer.picture], outputs=[writer.answer], metadata=style.metadata)
    return writer.scales


class _Writer:
    def __init__(self, net: Net, style: Style) -> None:
        self.graph, self.style, self.spec = GraphWriter(), style, net.spec
        self.state = {key: value.detach().numpy() for key, value in fold_norms(net).state_dict().items()}
        self.scales: dict[str, tuple[float, int]] = {}
        self.made: dict[int, int] = {}
        shape = (1, *net.spec.resolution, 3)
        if style.quantized:
            self.picture = self.graph.tensor(shape, dtype="UINT8", scale=[0.0078125], zero=[128], name="input")
        else:
            self.picture = self.graph.tensor(shape, name="input")
        self.answer = self.picture

    def run(self) -> None:
        network = trace_network(self.spec)
        x = self.picture
        if self.style.scaling is not None:
            x = self.binary("MUL", x, self.number(self.style.scaling[0]), self.shape(x))
            x = self.binary("ADD", x, self.number(self.style.scaling[1]), self.shape(x))
        self.made[network.blocks[0].inputs[0].index] = x
        for index, part in enumerate(network.blocks):
            for operation in part.operations:
                self.write(f"blocks.{index}.{operation.name}", operation)
        for operation in network.head.operations:
            self.write(f"head.{operation.name}", operation)
        if self.spec.head.task == "segmentation":
            axis = self.graph.tensor((), dtype="INT32", value=np.array(3))
            shape = self.shape(self.answer)[:3]
            self.answer = self.graph.operator("ARG_MAX", [self.answer, axis], self.graph.tensor(shape, dtype="INT32"))
        elif self.style.softmax:
            self.answer = self.graph.operator("SOFTMAX", [self.answer], self.value(self.shape(self.answer)))

    def write(self, path: str, operation: Operation) -> None:
        read = [self.made[value.index] for value in operation.inputs]
        match operation:
            case Convolution():
                made = self.convolution(path, read[0], operation)
            case Linear():
                made = self.linear(path, read[0], operation)
            case Gate():
                made = self.gate(path, read[0], operation)
            case GlobalPool():
                made = self.pool(path, read[0], operation.output.channels)
            case Add():
                made = self.binary("ADD", read[1], read[0], self.map(operation.output), path=path)
            case WindowMean() if min(operation.window) > 0:
                made = self.windows(path, read[0], operation)
            case WindowMean():
                made = self.pool(path, read[0], operation.output.channels)
            case Resize():
                made = self.resize(path, read[0], operation)
            case Multiply():
                made = self.binary("MUL", read[0], read[1], self.map(operation.output), path=path)
            case _:
                made = read[0]
        self.answer = self.made[operation.output.index] = made

    def convolution(self, path: str, x: int, operation: Convolution) -> int:
        weight = self.state[f"{path}.conv.weight"]
        is_depthwise = operation.groups > 1
        kernel = weight.transpose(1, 2, 3, 0) if is_depthwise else weight.transpose(0, 2, 3, 1)
        kind = "DEPTHWISE_CONV_2D" if is_depthwise else "CONV_2D"
        pads_first = operation.stride == 2 and (self.style.explicit_pads or operation.padding is Padding.SYMMETRIC)
        if pads_first:
            x = self.pad(x, operation)
        options = {
            "Padding": "VALID" if pads_first else "SAME",
            "StrideH": operation.stride,
            "StrideW": operation.stride,
            "DilationHFactor": operation.dilation,
            "DilationWFactor": operation.dilation,
        }
        bias = self.state[f"{path}.conv.bias"]
        shape = self.map(operation.output)
        if operation.activation is Activation.HARD_SIGMOID:
            return self.hard_sigmoid(path, x, kernel, bias, shape)
        return self.weighted(path, kind, x, kernel, bias, shape, operation.activation, options)

    def linear(self, path: str, x: int, operation: Linear) -> int:
        weight, bias = self.state[f"{path}.linear.weight"], self.state[f"{path}.linear.bias"]
        if self.style.dense_head:
            flat = self.graph.operator("RESHAPE", [x], self.value((1, weight.shape[1]), like=x))
            return self.weighted(path, "FULLY_CONNECTED", flat, weight, bias, (1, len(bias)), operation.activation, {})
        kernel, shape = weight[:, None, None, :], (1, 1, 1, len(bias))
        return self.weighted(path, "CONV_2D", x, kernel, bias, shape, operation.activation, pointwise())

    def gate(self, path: str, x: int, operation: Gate) -> int:
        narrow, wide = operation.squeeze.channels, operation.output.channels
        h = self.pool(f"{path}.pool", x, wide)
        kernel, bias = self.state[f"{path}.squeeze.weight"].transpose(0, 2, 3, 1), self.state[f"{path}.squeeze.bias"]
        h = self.weighted(
            f"{path}.squeeze", "CONV_2D", h, kernel, bias, (1, 1, 1, narrow), Activation.RELU, pointwise()
        )
        kernel, bias = self.state[f"{path}.excite.weight"].transpose(0, 2, 3, 1), self.state[f"{path}.excite.bias"]
        h = self.hard_sigmoid(f"{path}.excite", h, kernel, bias, (1, 1, 1, wide))
        return self.binary("MUL", x, h, self.map(operation.output), path=path)

    def hard_sigmoid(
        self, path: str, x: int, kernel: NDArray[np.float32], bias: NDArray[np.float32], shape: tuple[int, ...]
    ) -> int:
        """A 1x1 convolution and its gate."""
        if self.style.folded_gate:
            h = self.weighted("", "CONV_2D", x, kernel, bias + 3, shape, Activation.RELU6, pointwise())
        else:
            name = f"{path}.linear"
            h = self.weighted(name, "CONV_2D", x, kernel, bias, shape, Activation.NONE, pointwise())
            h = self.binary("ADD", h, self.number(3), shape, fused="RELU6")
        return self.binary("MUL", h, self.number(0.16667), shape, path=path)

    def windows(self, path: str, x: int, operation: WindowMean) -> int:
        (rows, columns), (down, across) = operation.window, operation.stride
        made = self.value(self.map(operation.output), path=path)
        sizes = {"FilterHeight": rows, "FilterWidth": columns, "StrideH": down, "StrideW": across}
        return self.graph.operator("AVERAGE_POOL_2D", [x], made, Padding="VALID", **sizes)

    def resize(self, path: str, x: int, operation: Resize) -> int:
        """As DeepLab's export does, a resize to the size that the map has goes before."""
        options = {"AlignCorners": operation.align_corners, "HalfPixelCenters": not operation.align_corners}
        for shape, name in ((self.shape(x), ""), (self.map(operation.output), path)):
            size = self.graph.tensor((2,), dtype="INT32", value=np.array(shape[1:3]))
            made = self.value(shape, path=name) if name else self.value(shape, like=x)
            x = self.graph.operator("RESIZE_BILINEAR", [x, size], made, **options)
        return x

    def weighted(
        self,
        path: str,
        kind: str,
        x: int,
        kernel: NDArray[np.float32],
        bias: NDArray[np.float32],
        shape: tuple[int, ...],
        activation: Activation,
        options: Mapping[str, Any],
    ) -> int:
        is_swish = activation is Activation.HARD_SWISH
        name = f"{path}.linear" if is_swish else path
        made = self.value(shape, path=name, fused=FUSED[activation])
        fused = "NONE" if self.style.quantized else FUSED[activation]  # the range does its work
        stored = self.stored(kernel, bias, channels_last=kind == "DEPTHWISE_CONV_2D")
        self.graph.operator(kind, [x, *stored], made, FusedActivationFunction=fused, **options)
        return self.swish(path, made, shape) if is_swish else made

    def stored(self, kernel: NDArray[np.float32], bias: NDArray[np.float32], *, channels_last: bool) -> tuple[int, int]:
        """Numbers of a kernel and a bias; quantized for each channel as int8 and int32."""
        graph = self.graph
        if self.style.half:
            halves = [graph.tensor(v.shape, dtype="FLOAT16", value=v) for v in (kernel, bias)]
            weight, shift = (graph.operator("DEQUANTIZE", [half], self.plain(half)) for half in halves)
            return weight, shift
        if not self.style.quantized:
            return graph.tensor(kernel.shape, value=kernel), graph.tensor(bias.shape, value=bias)
        axis = kernel.ndim - 1 if channels_last else 0
        others = tuple(number for number in range(kernel.ndim) if number != axis)
        scale = np.abs(kernel).max(axis=others) / 127 + 1e-9
        along = [-1 if number == axis else 1 for number in range(kernel.ndim)]
        integers = np.round(kernel / scale.reshape(along))
        weight = graph.tensor(kernel.shape, dtype="INT8", value=integers, scale=scale, axis=axis)
        steps = scale * 1e-4
        shift = graph.tensor(bias.shape, dtype="INT32", value=np.round(bias / steps), scale=steps)
        return weight, shift

    def swish(self, path: str, x: int, shape: tuple[int, ...]) -> int:
        if not self.style.swish_in_parts:
            return self.graph.operator("HARD_SWISH", [x], self.value(shape, path=path))
        h = self.binary("ADD", x, self.number(3), shape)
        h = self.graph.operator("RELU6", [h], self.value(shape))
        h = self.binary("MUL", x, h, shape)
        return self.binary("MUL", h, self.number(1 / 6), shape, path=path)

    def pool(self, path: str, x: int, channels: int) -> int:
        axes = self.graph.tensor((2,), dtype="INT32", value=np.array([1, 2]))
        return self.graph.operator("MEAN", [x, axes], self.value((1, 1, 1, channels), path=path))

    def pad(self, x: int, operation: Convolution) -> int:
        _, height, width, channels = self.shape(x)
        half = (operation.kernel_size - 1) // 2
        first = half if operation.padding is Padding.SYMMETRIC else half - 1  # at even sizes
        around = np.array([[0, 0], [first, half], [first, half], [0, 0]])
        widths = self.graph.tensor((4, 2), dtype="INT32", value=around)
        shape = (1, height + first + half, width + first + half, channels)
        return self.graph.operator("PAD", [x, widths], self.value(shape, like=x))

    def binary(self, kind: str, x: int, y: int, shape: tuple[int, ...], *, path: str = "", fused: str = "NONE") -> int:
        made = self.value(shape, path=path, fused=fused)
        fused = "NONE" if self.style.quantized else fused
        return self.graph.operator(kind, [x, y], made, FusedActivationFunction=fused)

    def number(self, value: float) -> int:
        return self.graph.tensor((), value=np.array(value))

    def plain(self, like: int) -> int:
        return self.graph.tensor(self.shape(like))

    def value(self, shape: tuple[int, ...], *, path: str = "", fused: str = "NONE", like: int | None = None) -> int:
        """A computed tensor; each quantized one has a step of its own, and its range clips as a fused ReLU does."""
        if not self.style.quantized:
            return self.graph.tensor(shape, name=path)
        if like is not None:
            source = self.graph.tensors[like]
            return self.graph.tensor(shape, dtype="INT8", scale=source.scale, zero=source.zero)
        scale, zero = round(0.05 + 0.001 * len(self.graph.tensors), 6), 5 if fused == "NONE" else -128
        scale = 6 / 255 if fused == "RELU6" else scale
        if path:
            self.scales[path] = scale, zero
        return self.graph.tensor(shape, name=path, dtype="INT8", scale=[scale], zero=[zero])

    def shape(self, number: int) -> tuple[int, ...]:
        return self.graph.tensors[number].shape

    def map(self, value: Value) -> tuple[int, ...]:
        return (1, value.height, value.width, value.channels)


def pointwise() -> dict[str, Any]:
    """Options of a 1x1 convolution."""
    return {"Padding": "VALID", "StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}
