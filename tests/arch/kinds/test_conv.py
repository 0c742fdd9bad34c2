from __future__ import annotations

import pytest

from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.names import Activation, Padding
from edgesmith.arch.operations import Convolution
from edgesmith.arch.trace import Trace


def traced(block: Conv, *, channels: int = 8, size: int = 9) -> tuple[Convolution, tuple[int, int, int]]:
    t = Trace()
    made = block.trace(t, t.open(channels, size, size))
    (operation,) = t.operations
    assert isinstance(operation, Convolution)
    return operation, (made.channels, made.height, made.width)


def test_norm_or_bias_by_default() -> None:
    with_norm, _ = traced(Conv(out_channels=4, activation=Activation.RELU))
    with_bias, _ = traced(Conv(out_channels=4, activation=Activation.RELU, norm=False))
    assert [t.name for t in with_norm.tensors()][:2] == ["conv.weight", "norm.weight"]
    assert [t.name for t in with_bias.tensors()] == ["conv.weight", "conv.bias"]


@pytest.mark.parametrize(("norm", "bias"), [(True, True), (False, False)])
def test_a_bias_can_be_asked_for_or_refused(norm: bool, bias: bool) -> None:
    """Pre-activation nets (CondenseNet, ShiftNet) begin with a convolution that has neither norm nor bias."""
    operation, _ = traced(Conv(out_channels=4, activation=Activation.NONE, norm=norm, bias=bias))
    assert (operation.norm, operation.bias) == (norm, bias)


@pytest.mark.parametrize(("padding", "side"), [(None, 5), (Padding.SAME, 5), (Padding.VALID, 4)])
def test_own_padding_wins_over_the_networks(padding: Padding | None, side: int) -> None:
    block = Conv(out_channels=4, kernel_size=3, stride=2, activation=Activation.RELU, padding=padding)
    operation, shape = traced(block)
    assert shape == (4, side, side)
    assert operation.padding is (padding or Padding.SYMMETRIC)


def test_grouped_kernel_shape_and_work() -> None:
    operation, _ = traced(Conv(out_channels=12, kernel_size=3, groups=4, activation=Activation.NONE))
    weight = operation.tensors()[0]
    assert weight.shape == (12, 2, 3, 3)
    assert operation.work().conv == 12 * 2 * 9 * 81
    assert operation.work().elementwise == 0
