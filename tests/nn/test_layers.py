from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from edgesmith.arch.names import Activation, GateKind, PoolKind
from edgesmith.arch.presets import PRESETS, Preset
from edgesmith.arch.trace import Trace
from edgesmith.nn.layers import ACTIVATIONS, ConvNorm, SameConv2d, SqueezeExcite, Sum, pool_layer

CONSTANTS = PRESETS[Preset.PAPER]


@settings(deadline=None, max_examples=80)
@given(
    st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 5]), st.sampled_from([1, 2, 3]), st.integers(1, 2)
)
def test_same_padding_is_tensorflows_rule(height: int, width: int, kernel: int, stride: int, dilation: int) -> None:
    """Each output reads the pixels that TensorFlow's documented formula says, worked out here one by one."""
    conv = SameConv2d(1, 1, kernel, stride=stride, dilation=dilation, bias=False)
    torch.nn.init.ones_(conv.weight)
    image = torch.arange(1.0, height * width + 1).reshape(1, 1, height, width)
    made = conv(image)[0, 0]
    reads = [[side_reads(n, out, kernel, stride, dilation) for out in range(-(-n // stride))] for n in (height, width)]
    assert made.shape == (len(reads[0]), len(reads[1]))
    for y, rows in enumerate(reads[0]):
        for x, columns in enumerate(reads[1]):
            assert made[y, x].item() == pytest.approx(image[0, 0][rows][:, columns].sum().item(), rel=1e-5)


def side_reads(size: int, out: int, kernel: int, stride: int, dilation: int) -> list[int]:
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    begin = out * stride - total // 2
    return [n for n in range(begin, begin + kernel * dilation, dilation) if 0 <= n < size]


def test_hard_swish_and_hard_sigmoid_are_the_papers() -> None:
    x = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    sigmoid = F.relu6(x + 3) / 6
    assert torch.allclose(F.hardsigmoid(x), sigmoid, atol=1e-15)
    assert torch.allclose(ACTIVATIONS[Activation.HARD_SWISH]()(x.clone()), x * sigmoid, atol=1e-15)


@pytest.mark.parametrize("kind", GateKind)
def test_gate_by_hand(kind: GateKind) -> None:
    t = Trace()
    t.gate(t.open(6, 3, 4), name="gate", squeeze_channels=2, kind=kind)
    (operation,) = t.operations
    gate = SqueezeExcite(operation, CONSTANTS)  # type: ignore[arg-type]
    x = torch.randn(2, 6, 3, 4, generator=torch.Generator().manual_seed(0))
    mean = x.mean((2, 3))
    held = {key: value.flatten(1) if value.dim() == 4 else value for key, value in gate.state_dict().items()}
    narrow = (mean @ held["squeeze.weight"].T + held["squeeze.bias"]).clamp(min=0)
    wide = narrow @ held["excite.weight"].T + held["excite.bias"]
    scale = (wide + 3).clamp(0, 6) / 6 if kind is GateKind.HARD_SIGMOID else 1 / (1 + (-wide).exp())
    torch.testing.assert_close(gate(x), x * scale[:, :, None, None], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("norm", [True, False])
def test_layers_come_in_the_order_convolution_norm_activation(norm: bool) -> None:
    t = Trace()
    t.conv(t.open(3, 8, 8), 4, name="c", activation=Activation.HARD_SWISH, bias=not norm, norm=norm)
    (operation,) = t.operations
    layer = ConvNorm(operation, CONSTANTS)  # type: ignore[arg-type]
    assert [name for name, _ in layer.named_children()] == ["conv", *["norm"] * norm, "activation"]
    assert (layer.conv.bias is None) == norm


def test_sum_trains_with_an_activation_behind_it() -> None:
    t = Trace()
    x = t.open(2, 2, 2)
    t.add(x, t.conv(x, x, name="c", activation=Activation.NONE), name="sum", activation=Activation.RELU)
    layer = Sum(t.operations[-1], CONSTANTS)  # type: ignore[arg-type]
    a = torch.tensor([1.0, -4.0], requires_grad=True)
    b = torch.tensor([2.0, 3.0], requires_grad=True)
    made = layer(a, b * 1)
    made.sum().backward()
    assert made.tolist() == [3.0, 0.0]
    assert a.grad is not None
    assert a.grad.tolist() == [1.0, 0.0]
    assert b.tolist() == [2.0, 3.0]


@pytest.mark.parametrize("kind", PoolKind)
@pytest.mark.parametrize(("size", "ceil"), [(7, True), (8, True), (8, False)])
def test_pool_layer_makes_the_declared_size(kind: PoolKind, size: int, ceil: bool) -> None:
    t = Trace()
    made = t.pool(t.open(2, size, size), name="p", kind=kind, kernel_size=3, stride=2, ceil=ceil)
    (operation,) = t.operations
    assert pool_layer(operation)(torch.zeros(1, 2, size, size)).shape == (1, 2, made.height, made.width)  # type: ignore[arg-type]
