"""The kernels of a ``.tflite`` graph in torch's layout, and the padding of their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.names import Padding
from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.layers import Array, Layer
from edgesmith.weights.sources.litert_graph import FileOperator, Graph
from edgesmith.weights.sources.padding import Sides, fitting, same_sides

DEPTHWISE: Final = "DEPTHWISE_CONV_2D"

Constants = Mapping[int, NDArray[np.float64]]


def stored_layer(graph: Graph, constants: Constants, operator: FileOperator) -> Layer:
    """Kernel and bias of a convolution or linear layer.

    Args:
        graph: The file's.
        constants: Real values of stored tensors by number.
        operator: One of the three kinds that have a kernel.

    Raises:
        WeightsError: Kernel or bias is not stored, or the zoo's nets have none of such a kind.
    """
    if operator.dilation not in ((1, 1), (2, 2)) or operator.stride not in ((1, 1), (2, 2)):
        raise WeightsError(
            f"has stride {operator.stride} and dilation {operator.dilation}, which no net of the zoo has"
        )
    kernel = _kernel(constants, operator)
    if operator.kind == DEPTHWISE and graph.tensors[operator.inputs[0]].shape[-1] != len(kernel):
        raise WeightsError("makes several channels of each; the zoo's depthwise filters make one")
    return Layer(name=graph.tensors[operator.outputs[0]].name, weight=kernel, bias=_bias(constants, operator))


def stored_paddings(graph: Graph, operator: FileOperator, around: Sides, kernel: Array) -> frozenset[Padding]:
    """The rules that pad the operator's input in just the way the file does; all of them for a linear layer.

    Args:
        graph: The file's.
        operator: A convolution, or a linear layer.
        around: Zeros that an operator of their own has put around its input.
        kernel: In torch's layout.
    """
    if kernel.ndim == 2:
        return frozenset(Padding)
    (top, bottom), (left, right) = sides = around
    _, height, width, _ = graph.tensors[operator.inputs[0]].shape
    rows, columns = (operator.dilation[0] * (side - 1) + 1 for side in kernel.shape[2:])
    filter_size, stride = (rows, columns), operator.stride[0]
    if operator.padding == "SAME":
        down, across = same_sides((height, width), filter_size, stride)
        sides = ((top + down[0], bottom + down[1]), (left + across[0], right + across[1]))
    return fitting(sides, (height - top - bottom, width - left - right), filter_size, stride)


def _kernel(constants: Constants, operator: FileOperator) -> Array:
    """``(out, height, width, in)`` or ``(1, height, width, channels)`` to torch's order."""
    kernel = constants.get(operator.inputs[1])
    if kernel is None:
        raise WeightsError("has a kernel that is computed, not stored")
    if kernel.ndim == 4:
        kernel = kernel.transpose(3, 0, 1, 2) if operator.kind == DEPTHWISE else kernel.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(kernel, dtype=np.float32)


def _bias(constants: Constants, operator: FileOperator) -> Array | None:
    """The stored bias; None where it is left out."""
    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return None
    bias = constants.get(operator.inputs[2])
    if bias is None:
        raise WeightsError("has a bias that is computed, not stored")
    return bias.astype(np.float32)
