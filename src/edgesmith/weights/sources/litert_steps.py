"""The steps of a ``.tflite`` graph, with the layers and the tensors that go with them.

One walk over the operators in execution order. A tensor that is computed is a signal: the step that it comes from,
and what element-wise operators have made of the step's numbers since. Whoever reads it settles the step's activation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from types import MappingProxyType
from typing import Final

import numpy as np

from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.curves import BINARY, GRID, UNARY, Curve
from edgesmith.weights.sources.layers import Layer
from edgesmith.weights.sources.litert_graph import FileOperator, Graph
from edgesmith.weights.sources.litert_layers import DEPTHWISE, stored_layer, stored_paddings
from edgesmith.weights.sources.litert_signals import Found, Signal, hidden_activations, settled
from edgesmith.weights.sources.padding import NO_SIDES
from edgesmith.weights.sources.steps import ALIGNED, HALF, PICTURE, Step


class Walk:
    """One walk over a graph.

    Attributes:
        found: The steps in execution order.
        picture: What the graph does with its input before the first step reads it.

    Raises:
        WeightsError: An operator does something that no classifier or segmenter of the zoo does; names it.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._constants = {number: t.value for number, t in enumerate(graph.tensors) if t.value is not None}
        self._signals = {graph.inputs[0]: Signal(step=PICTURE, tensor=graph.inputs[0])}
        self._read: dict[int, Signal] = {}
        self._steps: list[Found] = []
        for number, operator in enumerate(graph.operators):
            try:
                self._take(operator)
            except WeightsError as error:
                raise WeightsError(f"operator {number} ({operator.kind}) {error}") from None
            except (IndexError, KeyError, ValueError):
                raise WeightsError(f"operator {number} ({operator.kind}) reads or makes what it cannot") from None
        self._read_signal(graph.outputs[0])
        if PICTURE not in self._read:
            raise WeightsError("nothing reads its input")
        self.picture = self._read[PICTURE]
        self.found = [
            settled(found, self._read[number]) if number in self._read else found
            for number, found in enumerate(self._steps)
        ]

    def _take(self, operator: FileOperator) -> None:
        handler = _HANDLERS.get(operator.kind)
        if handler is None:
            raise WeightsError("is of no classifier or segmenter in the zoo")
        read = [self._signals[number] for number in operator.inputs if number in self._signals]
        if any(signal.is_scores for signal in read) and handler is not Walk.same:
            raise WeightsError("reads an answer; the zoo's nets end there")
        handler(self, operator)

    def _signal(self, tensor: int) -> Signal:
        if tensor not in self._signals:
            raise WeightsError(f"reads tensor {tensor}, which nothing has made")
        return self._signals[tensor]

    def _read_signal(self, tensor: int) -> Signal:
        """What a step reads; all readers of a step must read the same of it."""
        signal = self._signal(tensor)
        first = self._read.setdefault(signal.step, signal)
        if len(first.curves) != len(signal.curves) or not np.allclose(first.curves, signal.curves):
            raise WeightsError("reads a value before the activation that others read behind it")
        return signal

    def _begin(self, operator: FileOperator, step: Step, layer: Layer | None = None) -> None:
        """A new step, with the activation that is fused into its operator."""
        tensor = operator.outputs[0]
        self._steps.append(Found(step=step, layer=layer, before=tensor, after=tensor))
        self._follow(operator, Signal(step=len(self._steps) - 1, tensor=tensor), [_unary(operator.fused)(GRID)])

    def _follow(self, operator: FileOperator, source: Signal, curves: Sequence[Curve]) -> None:
        """What an operator makes of its source; the range of a quantized tensor may be its ReLU or ReLU6."""
        number = operator.outputs[0]
        limits = self._graph.tensors[number].limits
        clipped = [UNARY[kind](curve) for kind in hidden_activations(limits) for curve in curves]
        self._signals[number] = replace(source, tensor=number, curves=(*curves, *clipped))

    def weighted(self, operator: FileOperator) -> None:
        """A convolution or a linear layer."""
        source = self._read_signal(operator.inputs[0])
        layer = stored_layer(self._graph, self._constants, operator)
        step = Step(
            kind="depthwise" if operator.kind == DEPTHWISE else "conv",
            inputs=frozenset({source.step}),
            stride=operator.stride[0],
            dilation=operator.dilation[0],
        )
        self._begin(operator, step, layer)
        paddings = stored_paddings(self._graph, operator, source.sides, layer.weight)
        self._steps[-1] = replace(self._steps[-1], paddings=paddings)

    def pool(self, operator: FileOperator) -> None:
        """The mean of all pixels, or of windows; of a single pixel it changes nothing."""
        before, after = self._shapes(operator)
        if prod(after) != before[-1]:
            self._window(operator)
        elif prod(before) == before[-1]:
            self._signals[operator.outputs[0]] = self._signal(operator.inputs[0])
        else:
            source = self._read_signal(operator.inputs[0])
            self._begin(operator, Step(kind="pool", inputs=frozenset({source.step})))

    def _window(self, operator: FileOperator) -> None:
        """Means of windows without padding."""
        if 0 in operator.window or operator.padding != "VALID":
            before, after = self._shapes(operator)
            raise WeightsError(f"pools {before} to {after}; the zoo's nets take the mean of all pixels, or of windows")
        source = self._read_signal(operator.inputs[0])
        window = (*operator.window, *operator.stride)
        self._begin(operator, Step(kind="window", inputs=frozenset({source.step}), window=window))

    def resize(self, operator: FileOperator) -> None:
        """Bilinear; to a map's own size it changes nothing.

        Raises:
            WeightsError: It counts from the corner of a pixel.
        """
        before, after = self._shapes(operator)
        if before == after:
            self._signals[operator.outputs[0]] = self._signal(operator.inputs[0])
            return
        if operator.corners not in (ALIGNED, HALF):
            raise WeightsError("resizes from the corner of a pixel, which no net of the zoo does")
        source = self._read_signal(operator.inputs[0])
        self._begin(operator, Step(kind="resize", inputs=frozenset({source.step}), corners=operator.corners))

    def _shapes(self, operator: FileOperator) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of what it reads first and of what it makes."""
        return self._graph.tensors[operator.inputs[0]].shape, self._graph.tensors[operator.outputs[0]].shape

    def binary(self, operator: FileOperator) -> None:
        """With a number, or another value of one step: part of its activation. Of two steps: a sum or a product.

        Raises:
            WeightsError: It reads stored numbers only, one for each channel, or joins branches in another way.
        """
        signals = [self._signal(number) for number in operator.inputs if number not in self._constants]
        if not signals:
            raise WeightsError("reads stored numbers only")
        if len({signal.step for signal in signals}) == 2:
            self._join(operator)
            return
        combine, fused = BINARY[operator.kind], _unary(operator.fused)
        operands = [self._operand(number) for number in operator.inputs]
        self._follow(operator, signals[0], [fused(combine(a, b)) for a in operands[0] for b in operands[1]])

    def _operand(self, number: int) -> tuple[Curve, ...]:
        constant = self._constants.get(number)
        if constant is None:
            return self._signal(number).curves
        if constant.size != 1:
            raise WeightsError("has a number for each channel: a norm that is not folded, which is not read")
        return (constant.reshape(1),)

    def _join(self, operator: FileOperator) -> None:
        kinds = {"ADD": "sum", "MUL": "product"}
        if operator.kind not in kinds:
            raise WeightsError("joins two branches in a way that no net of the zoo does")
        inputs = frozenset(self._read_signal(number).step for number in operator.inputs)
        self._begin(operator, Step(kind=kinds[operator.kind], inputs=inputs))

    def unary(self, operator: FileOperator) -> None:
        """An activation that stands alone."""
        source = self._signal(operator.inputs[0])
        self._follow(operator, source, [_unary(operator.kind)(curve) for curve in source.curves])

    def pad(self, operator: FileOperator) -> None:
        """Zeros around a feature map.

        Raises:
            WeightsError: It pads something else than height and width.
        """
        widths = self._constants[operator.inputs[1]].astype(int).tolist()
        source = self._signal(operator.inputs[0])
        if len(widths) != 4 or any(map(any, (widths[0], widths[3]))) or source.sides != NO_SIDES:
            raise WeightsError(f"pads by {widths}; the zoo's nets pad height and width, once")
        (top, bottom), (left, right) = widths[1:3]
        self._signals[operator.outputs[0]] = replace(source, sides=((top, bottom), (left, right)))

    def same(self, operator: FileOperator) -> None:
        """A change of type or shape that keeps the values.

        Raises:
            WeightsError: A feature map changes its shape.
        """
        source, made = operator.inputs[0], operator.outputs[0]
        shape = self._graph.tensors[source].shape
        if operator.kind in ("RESHAPE", "SQUEEZE") and prod(shape) != shape[-1]:
            raise WeightsError(f"reshapes a feature map of {shape}; the zoo's classifiers pool it first")
        if source in self._constants:
            self._constants[made] = self._constants[source]
        else:
            signal = self._signal(source)
            is_rounded = operator.kind == "QUANTIZE"
            self._signals[made] = replace(signal, tensor=made) if is_rounded else signal

    def answer(self, operator: FileOperator) -> None:
        """A softmax, or the likeliest class: the end of what a net of the zoo computes, whose answers are logits."""
        self._signals[operator.outputs[0]] = replace(self._signal(operator.inputs[0]), is_scores=True)


def _unary(kind: str) -> Callable[[Curve], Curve]:
    if kind not in UNARY:
        raise WeightsError(f"has the activation {kind}, which no net of the zoo has")
    return UNARY[kind]


_HANDLERS: Final[Mapping[str, Callable[[Walk, FileOperator], None]]] = MappingProxyType(
    {
        **dict.fromkeys(("CONV_2D", DEPTHWISE, "FULLY_CONNECTED"), Walk.weighted),
        **dict.fromkeys(("AVERAGE_POOL_2D", "MEAN"), Walk.pool),
        **dict.fromkeys(BINARY, Walk.binary),
        **dict.fromkeys((kind for kind in UNARY if kind != "NONE"), Walk.unary),
        **dict.fromkeys(("RESHAPE", "SQUEEZE", "QUANTIZE", "DEQUANTIZE"), Walk.same),
        **dict.fromkeys(("SOFTMAX", "ARG_MAX"), Walk.answer),
        "RESIZE_BILINEAR": Walk.resize,
        "PAD": Walk.pad,
    }
)
