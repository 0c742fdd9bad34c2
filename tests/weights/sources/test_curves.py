from __future__ import annotations

import numpy as np
import pytest

from edgesmith.weights.sources.curves import BINARY, CLIPPED_SIXTH, GRID, UNARY, activation_of, line_of


@pytest.mark.parametrize(
    ("kind", "name"),
    [("NONE", "none"), ("RELU", "relu"), ("RELU6", "relu6"), ("HARD_SWISH", "hard_swish"), ("LOGISTIC", "sigmoid")],
)
def test_operators_are_activations(kind: str, name: str) -> None:
    assert activation_of(UNARY[kind](GRID)) == name


def test_activations_in_parts() -> None:
    three = np.full(1, 3.0)
    clipped = UNARY["RELU6"](BINARY["ADD"](GRID, three))
    assert activation_of(BINARY["MUL"](clipped, np.full(1, 0.16667))) == "hard_sigmoid"
    assert activation_of(BINARY["DIV"](BINARY["MUL"](clipped, GRID), np.full(1, 6.0))) == "hard_swish"
    assert activation_of(BINARY["MAXIMUM"](BINARY["MINIMUM"](GRID, np.full(1, 6.0)), np.zeros(1))) == "relu6"
    assert activation_of(UNARY["RELU6"](GRID) / 6) == CLIPPED_SIXTH


def test_other_curves_have_no_name() -> None:
    assert activation_of(np.tanh(GRID)) is None
    assert activation_of(GRID * 1.01) is None


def test_lines() -> None:
    assert line_of(GRID * 2 - 1) == pytest.approx((2, -1))
    assert line_of(GRID**2) is None
