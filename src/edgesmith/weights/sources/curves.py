"""What a chain of element-wise operators computes, found by running numbers through it.

Converters write one activation in many ways: hard-swish is an operator of its own, or an addition, a clip and two
products, in any order. Run over a grid of numbers they all draw the same curve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.names import Activation, GateKind

Curve = NDArray[np.float64]

GRID: Final[Curve] = np.linspace(-8, 8, 65)
CLIPPED_SIXTH: Final = "clipped_sixth"  # a hard-sigmoid whose 3 a converter has put into the bias before it

_TOLERANCE: Final = 0.01  # TensorFlow's gates multiply by 0.16667, and quantized constants are rounded


def _relu6(x: Curve) -> Curve:
    return np.clip(x, 0, 6)


def _hard_swish(x: Curve) -> Curve:
    return x * _relu6(x + 3) / 6


def _sigmoid(x: Curve) -> Curve:
    return 1 / (1 + np.exp(-x))


def _relu(x: Curve) -> Curve:
    return np.maximum(x, 0)


UNARY: Final[Mapping[str, Callable[[Curve], Curve]]] = MappingProxyType(
    {
        "NONE": lambda x: x,
        "RELU": _relu,
        "RELU6": _relu6,
        "HARD_SWISH": _hard_swish,
        "LOGISTIC": _sigmoid,
    }
)
BINARY: Final[Mapping[str, Callable[[Curve, Curve], Curve]]] = MappingProxyType(
    {
        "ADD": np.add,
        "SUB": np.subtract,
        "MUL": np.multiply,
        "DIV": np.divide,
        "MINIMUM": np.minimum,
        "MAXIMUM": np.maximum,
    }
)
_KNOWN: Final[Mapping[str, Curve]] = MappingProxyType(
    {
        Activation.NONE.value: GRID,
        Activation.RELU.value: _relu(GRID),
        Activation.RELU6.value: _relu6(GRID),
        Activation.HARD_SWISH.value: _hard_swish(GRID),
        GateKind.HARD_SIGMOID.value: _relu6(GRID + 3) / 6,
        GateKind.SIGMOID.value: _sigmoid(GRID),
        CLIPPED_SIXTH: _relu6(GRID) / 6,
    }
)


def activation_of(curve: Curve) -> str | None:
    """Name of the activation that maps `GRID` to ``curve``; None for one that no net of ours has."""
    return next((name for name, known in _KNOWN.items() if np.abs(curve - known).max() < _TOLERANCE), None)


def line_of(curve: Curve) -> tuple[float, float] | None:
    """Factor and offset where ``curve`` is a line over `GRID`, else None."""
    factor = float(curve[-1] - curve[0]) / float(GRID[-1] - GRID[0])
    offset = float(curve[0]) - factor * float(GRID[0])
    return (factor, offset) if np.allclose(curve, factor * GRID + offset, atol=1e-6) else None
