from __future__ import annotations

import pytest
import torch
from torch import nn

from edgesmith.arch.names import Activation, Padding, PoolKind
from edgesmith.arch.trace import Trace, conv_size, pool_size
from edgesmith.arch.values import Value
from edgesmith.core.errors import SpecError


def opened(channels: int = 8, height: int = 6, width: int = 6) -> tuple[Trace, Value]:
    t = Trace()
    return t, t.open(channels, height, width)


@pytest.mark.parametrize("size", range(1, 24))
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"), [(3, 2, 0), (3, 2, 1), (2, 2, 0), (2, 2, 1), (3, 1, 1), (3, 3, 1)]
)
@pytest.mark.parametrize("ceil", [False, True])
def test_pool_size_is_torchs(size: int, kernel: int, stride: int, pad: int, ceil: bool) -> None:
    if size + 2 * pad < kernel:
        with pytest.raises(SpecError, match="does not fit"):
            pool_size(size, kernel, stride, pad, ceil=ceil)
        return
    made = nn.MaxPool2d(kernel, stride, pad, ceil_mode=ceil)(torch.zeros(1, 1, size, size))
    assert pool_size(size, kernel, stride, pad, ceil=ceil) == made.shape[-1]


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 224, 225])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(1, 1, 1), (1, 2, 1), (3, 1, 2), (3, 2, 1), (5, 2, 1), (7, 2, 2)]
)
def test_conv_size_is_torchs(size: int, kernel: int, stride: int, dilation: int) -> None:
    layer = nn.Conv2d(1, 1, kernel, stride, dilation * (kernel - 1) // 2, dilation)
    made = layer(torch.zeros(1, 1, size, size))
    assert conv_size(size, kernel, stride, dilation, Padding.SYMMETRIC) == made.shape[-1]
    assert conv_size(size, kernel, stride, dilation, Padding.SAME) == -(-size // stride)


def test_valid_convolution_needs_room() -> None:
    assert conv_size(224, 3, 2, 1, Padding.VALID) == 111
    with pytest.raises(SpecError, match="a 7x7 filter does not fit into 6 pixels"):
        conv_size(6, 7, 1, 1, Padding.VALID)


def test_groups_follow_what_is_written_into() -> None:
    t, x = opened()
    wide = t.conv(x, 16, name="a", activation=Activation.RELU)
    filtered = t.depthwise(wide, name="b", kernel_size=3, stride=1, activation=Activation.RELU)
    back = t.conv(filtered, x, name="c", activation=Activation.NONE)
    total = t.add(x, back, name="d")
    both = t.concatenate(total, filtered, name="e")
    assert (x.groups, wide.groups) == ((0,), (1,))
    assert filtered.groups == wide.groups
    assert back.groups == total.groups == x.groups
    assert both.groups == (0, 1)
    assert both.channels == 24


def test_values_that_do_not_fit_are_refused() -> None:
    t, x = opened()
    other = t.conv(x, 8, name="same_width", activation=Activation.NONE)
    with pytest.raises(SpecError, match="sum: cannot add 8x6x6 and 8x6x6"):
        t.add(x, other, name="sum")
    small = t.pool(x, name="pool", kind=PoolKind.MAX, kernel_size=2, stride=2)
    with pytest.raises(SpecError, match="cat: cannot concatenate 8x6x6, 8x3x3"):
        t.concatenate(x, small, name="cat")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 4}, "c: an even kernel of 4"),
        ({"kernel_size": 0}, "c: kernel, stride, dilation and groups must be at least 1, got 0, 1, 1, 1"),
        ({"stride": 0}, "got 1, 0, 1, 1"),
        ({"dilation": -1}, "got 1, 1, -1, 1"),
        ({"groups": 0}, "got 1, 1, 1, 0"),
        ({"groups": 3}, "c: 8 -> 16 channels do not divide into 3 groups"),
    ],
)
def test_filters_that_torch_would_refuse_or_pad_otherwise(options: dict[str, int], message: str) -> None:
    t, x = opened()
    with pytest.raises(SpecError, match=message):
        t.conv(x, 16, name="c", activation=Activation.NONE, **options)  # type: ignore[arg-type]


def test_a_width_of_zero_is_refused() -> None:
    t, x = opened()
    with pytest.raises(SpecError, match="a channel count must be at least 1, got 0"):
        t.conv(x, 0, name="c", activation=Activation.NONE)
