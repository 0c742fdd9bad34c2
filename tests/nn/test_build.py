from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

import pytest
import torch
import torchvision
from hypothesis import given, settings
from torch import Tensor, nn

from edgesmith.arch.cost import count_total
from edgesmith.arch.heads.base import Tap
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Point
from edgesmith.arch.network import trace_network
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value
from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.errors import SpecError
from edgesmith.nn.build import build
from edgesmith.weights.state import load_state
from tests.arch.specs import specs
from tests.nn.nets import calibrate, pictures, relative_difference


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A head that returns what it hears."""

    kind: ClassVar[str] = "listener"
    taps: tuple[Tap, ...]
    preset: ClassVar[Preset | None] = None
    task: ClassVar[str] = "classification"
    widths: ClassVar[Mapping[str, int]] = {}

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        return taps


@contextmanager
def counting(net: nn.Module) -> Iterator[dict[str, int]]:
    """Multiply-adds by layer type, seen from the tensors that pass through: an independent counter."""
    madds = {"conv": 0, "linear": 0}

    def record(module: nn.Module, _inputs: Any, output: Tensor) -> None:
        assert isinstance(module.weight, Tensor)
        name = "conv" if isinstance(module, nn.Conv2d) else "linear"
        madds[name] += output[0].numel() * prod(module.weight.shape[1:])

    layers = [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    handles = [module.register_forward_hook(record) for module in layers]
    yield madds
    for handle in handles:
        handle.remove()


def assert_counts_agree(spec: NetSpec) -> None:
    net = build(spec).eval()
    with counting(net) as seen, torch.inference_mode():
        logits = net(torch.zeros(1, 3, *spec.resolution))
    total = count_total(spec)
    made = trace_network(spec).head.outputs[0]
    is_list = spec.head.task == "detection"
    assert logits.shape[1] == (made.height if is_list else spec.num_classes)
    assert logits[0].numel() == made.size
    assert (total.conv_madds, total.linear_madds) == (seen["conv"], seen["linear"])
    assert total.parameters == sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("options", ["resolution=96", "resolution=97x130,padding=same"])
@pytest.mark.parametrize("name", MODELS)
def test_counts_are_those_of_the_built_net(name: str, options: str) -> None:
    assert_counts_agree(find(f"{name}@{options}"))


@settings(deadline=None, max_examples=25)
@given(specs())
def test_counts_and_tensors_of_random_nets(spec: NetSpec) -> None:
    assert_counts_agree(spec)
    assert_tensors_agree(spec)


def assert_tensors_agree(spec: NetSpec) -> None:
    declared = [(key, tensor.shape) for key, tensor in trace_network(spec).tensors().items()]
    held = [(key, tuple(value.shape)) for key, value in build(spec).state_dict().items()]
    assert held == declared


@pytest.mark.parametrize("name", MODELS)
def test_declared_tensors_are_the_state_dict_in_order(name: str) -> None:
    spec = find(name)
    assert_tensors_agree(spec)
    learned = {key for key, tensor in trace_network(spec).tensors().items() if tensor.learned}
    assert learned == {key for key, _ in build(spec).named_parameters()}


@pytest.mark.parametrize(
    ("name", "c4", "low"),
    [
        ("mobilenet_v3_large", (13, 672), (6, 120)),
        ("mobilenet_v3_small", (9, 288), (3, 88)),
    ],
)
def test_taps_hear_what_torchvision_computes_there(name: str, c4: tuple[int, int], low: tuple[int, int]) -> None:
    """C4 is the expansion of the first stride-32 block; the low tap a depthwise output at stride 8, before the gate."""
    oracle = calibrate(torchvision.models.get_model(name, weights=None))
    heard: dict[str, Tensor] = {}
    features: Any = oracle.features
    features[c4[0]].block[0].register_forward_hook(lambda *seen: heard.update(c4=seen[2].clone()))
    features[low[0]].block[1].register_forward_hook(lambda *seen: heard.update(low=seen[2].clone()))
    features.register_forward_hook(lambda *seen: heard.update(c5=seen[2].clone()))
    taps = (Tap(block=c4[0], point=Point.EXPAND), Tap(block=-1), Tap(block=low[0], point=Point.DEPTHWISE))
    net = build(replace(find(name), head=Listener(taps=taps))).eval()
    backbone = {key: value for key, value in oracle.state_dict().items() if key.startswith("features.")}
    load_state(net, backbone)
    images = pictures(160, 192)
    with torch.inference_mode():
        oracle(images)
        made = net(images)
    assert [tuple(value.shape) for value in made] == [
        (2, c4[1], 10, 12),
        (2, 960 if "large" in name else 576, 5, 6),
        (2, low[1], 20, 24),
    ]
    for value, key in zip(made, ("c4", "c5", "low"), strict=True):
        assert relative_difference(value, heard[key]) < 1e-5, key


def test_a_tap_on_a_block_that_does_not_widen_hears_its_input() -> None:
    taps = (Tap(block=0), Tap(block=1, point=Point.EXPAND))
    net = build(replace(find("mobilenet_v3_large"), head=Listener(taps=taps))).eval()
    with torch.inference_mode():
        stem, expand = net(pictures(32, 32))
    assert torch.equal(stem, expand)


@pytest.mark.parametrize("name", MODELS)
def test_case_m8_a_batch_of_one_trains(name: str) -> None:
    """Norms before the pool see at least 7x7 pixels; MobileNetV4's behind it takes its running statistics."""
    net = build(find(name).with_num_classes(5)).train()
    net(pictures(224, 224, count=1)).square().sum().backward()
    grads = [parameter.grad for parameter in net.parameters()]
    assert all(grad is not None and bool(torch.isfinite(grad).all()) for grad in grads)


@pytest.mark.parametrize("name", MODELS)
def test_channels_last_all_the_way(name: str) -> None:
    net = build(find(name)).eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            assert module.weight.is_contiguous(memory_format=torch.channels_last)
    heard = build(replace(find(name), head=Listener(taps=(Tap(block=-1),)))).eval()
    with torch.inference_mode():
        assert heard(pictures(64, 64)).is_contiguous(memory_format=torch.channels_last)


def test_the_same_seed_builds_and_trains_the_same_bits() -> None:
    def run(seed: int) -> list[Tensor]:
        net = build(find("mobilenet_v3_small@width=0.35,preset=timm,classes=3"), seed=seed).train()
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            loss = nn.functional.cross_entropy(net(pictures(48, 48, count=4)), torch.tensor([0, 1, 2, 0]))
            torch.autograd.backward(loss)
            optimiser.step()
            optimiser.zero_grad()
        return [value.clone() for value in net.state_dict().values()]

    first, again, other = run(0), run(0), run(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_building_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    build(find("mobilenet_v3_small@width=0.35"))
    assert torch.equal(state, torch.get_rng_state())


def test_an_illegal_block_is_named() -> None:
    spec = find("mobilenet_v3_small")
    block = spec.blocks[7]
    assert isinstance(block, InvertedResidual)
    with pytest.raises(SpecError, match=r"block 7 \(inverted_residual\): stride must be 1 or 2, got 4"):
        build(spec.with_block(7, replace(block, stride=4)))
