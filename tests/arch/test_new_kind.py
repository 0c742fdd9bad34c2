"""A family that the house does not know: one kind and one head declared here, and nothing else changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import pytest
import torch
import torchvision
from torch import nn

from edgesmith.arch.cost import count, count_total
from edgesmith.arch.heads.base import Tap
from edgesmith.arch.heads.table import HEADS
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.table import KINDS
from edgesmith.arch.names import Activation, Padding, Point, PoolKind
from edgesmith.arch.network import trace_network
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec, model_hash, spec_hash
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value
from edgesmith.core.errors import SpecError
from edgesmith.nn.build import build
from edgesmith.weights.state import load_state
from tests.nn.nets import pictures, relative_difference

RELU = Activation.RELU


@dataclass(frozen=True, kw_only=True)
class Fire:
    """Squeeze to few channels, widen by 1x1 and 3x3 filters side by side; max-pool before it if asked."""

    kind: ClassVar[str] = "pooled_fire"
    elastic: ClassVar[bool] = True

    squeeze_channels: int
    expand_channels: int
    pool: bool = False

    @property
    def stride(self) -> int:
        return 2 if self.pool else 1

    def trace(self, t: Trace, x: Value) -> Value:
        if self.pool:
            x = t.pool(x, name="pool", kind=PoolKind.MAX, kernel_size=3, stride=2, ceil=True)
        s = t.conv(x, self.squeeze_channels, name="squeeze", activation=RELU, bias=True, norm=False)
        t.mark(Point.EXPAND, s)
        one = t.conv(s, self.expand_channels, name="expand1", activation=RELU, bias=True, norm=False)
        three = t.conv(s, self.expand_channels, name="expand3", activation=RELU, kernel_size=3, bias=True, norm=False)
        return t.concatenate(one, three, name="concatenation")


@dataclass(frozen=True, kw_only=True)
class LastConv:
    """A convolution to the classes, then the mean over all pixels."""

    kind: ClassVar[str] = "last_conv"
    taps: tuple[Tap, ...] = (Tap(block=-1),)
    preset: ClassVar[Preset | None] = None
    task: ClassVar[str] = "classification"
    widths: ClassVar[Mapping[str, int]] = {}

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        h = t.conv(taps[0], num_classes, name="conv", activation=RELU, bias=True, norm=False)
        return (t.global_pool(h, name="pool"),)


WIDTHS = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))

SQUEEZENET = NetSpec(
    name="squeezenet1_1",
    family="SqueezeNet",
    blocks=(
        Conv(out_channels=64, kernel_size=3, stride=2, activation=RELU, norm=False, padding=Padding.VALID),
        *(
            Fire(squeeze_channels=squeeze, expand_channels=expand, pool=index in (0, 2, 4))
            for index, (squeeze, expand) in enumerate(WIDTHS)
        ),
    ),
    head=LastConv(),
)


def test_counts_are_the_published_ones() -> None:
    total = count_total(SQUEEZENET)
    assert total.parameters == 1_235_496
    assert total.madds / 1e6 == pytest.approx(349.2, abs=0.05)
    assert count_total(SQUEEZENET.with_resolution(227)).madds / 1e6 == pytest.approx(387.7, abs=0.05)


def test_one_module_by_hand() -> None:
    """Fire 2 behind its pool: 64 channels to 16, then 64 by 1x1 and 64 by 3x3 filters, all biased."""
    rows = count(SQUEEZENET).rows
    assert [row.out_shape for row in rows[:3]] == [(64, 111, 111), (128, 55, 55), (128, 55, 55)]
    assert rows[1].cost.parameters == (64 * 16 + 16) + (16 * 64 + 64) + (9 * 16 * 64 + 64)
    assert rows[1].cost.madds == 55 * 55 * (64 * 16 + 16 * 64 + 9 * 16 * 64)


@pytest.mark.parametrize("size", [(224, 224), (227, 227), (200, 161)])
def test_answers_are_torchvisions_under_its_weights(size: tuple[int, int]) -> None:
    oracle = torchvision.models.squeezenet1_1(weights=None).eval()
    generator = torch.Generator().manual_seed(0)
    for module in oracle.modules():
        if isinstance(module, nn.Conv2d):
            assert module.bias is not None
            nn.init.kaiming_normal_(module.weight, generator=generator)
            nn.init.normal_(module.bias, 0.0, 0.1, generator=generator)
    net = build(SQUEEZENET).eval()
    assert load_state(net, oracle.state_dict()).rule == "position"
    with torch.inference_mode():
        expected = oracle(pictures(*size))
        assert expected.std() > 0.1
        assert relative_difference(net(pictures(*size)), expected) < 1e-5


def test_it_trains() -> None:
    net = build(SQUEEZENET.with_num_classes(4)).train()
    torch.autograd.backward(nn.functional.cross_entropy(net(pictures(64, 64)), torch.tensor([0, 3])))
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_declared_tensors_are_the_state_dict() -> None:
    declared = [(key, tensor.shape) for key, tensor in trace_network(SQUEEZENET).tensors().items()]
    assert [(key, tuple(value.shape)) for key, value in build(SQUEEZENET).state_dict().items()] == declared


def test_both_filters_are_widths_of_their_own() -> None:
    """The next module reads the two groups one behind the other, so that each may be narrowed alone."""
    network = trace_network(SQUEEZENET)
    tensors = network.tensors()
    one, three = (tensors[f"blocks.1.{name}.conv.weight"].axes[0].groups[0] for name in ("expand1", "expand3"))
    assert tensors["blocks.2.squeeze.conv.weight"].axes[1].groups == (one, three)
    assert network.writers()[one] == ("blocks.1.expand1.conv.weight",)
    assert network.writers()[three] == ("blocks.1.expand3.conv.weight",)


def extended(table: Mapping[str, Any], entry: Any) -> Mapping[str, Any]:
    return MappingProxyType({**table, entry.kind: entry})


def test_json_needs_a_line_in_each_table(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.loads(json.dumps(SQUEEZENET.to_json()))
    assert data["blocks"][1] == {"kind": "pooled_fire", "squeeze_channels": 16, "expand_channels": 64, "pool": True}
    with pytest.raises(SpecError, match="block 1: unknown kind 'pooled_fire'"):
        NetSpec.from_json(data)
    monkeypatch.setattr("edgesmith.arch.spec.KINDS", extended(KINDS, Fire))
    monkeypatch.setattr("edgesmith.arch.spec.HEADS", extended(HEADS, LastConv))
    assert NetSpec.from_json(data) == SQUEEZENET


def test_edits_hashes_taps_and_errors_know_the_kind() -> None:
    narrower = SQUEEZENET.with_block(3, Fire(squeeze_channels=32, expand_channels=120, pool=True))
    assert spec_hash(narrower) != spec_hash(SQUEEZENET)
    assert count_total(narrower).parameters < count_total(SQUEEZENET).parameters
    tapped = replace(SQUEEZENET, head=LastConv(taps=(Tap(block=4, point=Point.EXPAND),)))
    assert trace_network(tapped).head.inputs[0].channels == 32
    assert spec_hash(tapped) == spec_hash(SQUEEZENET)
    assert model_hash(tapped) != model_hash(SQUEEZENET)
    with pytest.raises(
        SpecError, match=r"squeezenet1_1: block 1 \(pooled_fire\): a 3x3 window does not fit into 1 pixels"
    ):
        count(SQUEEZENET.with_resolution(4))
