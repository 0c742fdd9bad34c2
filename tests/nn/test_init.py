from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from edgesmith.arch.zoo.names import find
from edgesmith.nn.build import build


def layer(preset: str, key: str) -> torch.Tensor:
    weight = build(find(f"mobilenet_v3_large@preset={preset}")).state_dict()[key]
    assert isinstance(weight, torch.Tensor)
    return weight


@pytest.mark.parametrize("preset", ["paper", "keras"])
@pytest.mark.parametrize(
    "key", ["blocks.16.conv.conv.weight", "blocks.15.depthwise.conv.weight", "head.feature.linear.weight"]
)
def test_truncated_normal_of_the_paper(preset: str, key: str) -> None:
    """Standard deviation 0.09 cut at two of them, which leaves 0.0792."""
    weight = layer(preset, key)
    assert weight.std().item() == pytest.approx(0.0792, rel=0.02)
    assert weight.abs().max().item() <= 0.18


@pytest.mark.parametrize(
    ("preset", "key", "deviation"),
    [
        ("torchvision", "blocks.16.conv.conv.weight", math.sqrt(2 / 960)),
        ("torchvision", "blocks.15.depthwise.conv.weight", math.sqrt(2 / (25 * 960))),
        ("torchvision", "head.feature.linear.weight", 0.01),
        ("timm", "blocks.16.conv.conv.weight", math.sqrt(2 / 960)),
        ("timm", "blocks.15.depthwise.conv.weight", math.sqrt(2 / 25)),
        ("timm_tf", "head.classifier.linear.weight", math.sqrt(1 / 1000) / math.sqrt(3)),
    ],
)
def test_distributions_of_the_ports(preset: str, key: str, deviation: float) -> None:
    assert layer(preset, key).std().item() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize(
    ("preset", "epsilon", "momentum", "dropout"),
    [
        ("paper", 1e-3, 0.01, [0.2]),
        ("torchvision", 1e-3, 0.01, [0.2]),
        ("timm", 1e-5, 0.1, [0.0]),
        ("timm_tf", 1e-3, 0.1, [0.0]),
        ("keras", 1e-3, 0.001, [0.2]),
    ],
)
def test_norms_begin_as_identity_with_the_presets_constants(
    preset: str, epsilon: float, momentum: float, dropout: list[float]
) -> None:
    net = build(find(f"mobilenet_v3_small@preset={preset}"))
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(epsilon, momentum)}
    assert all(bool((norm.weight == 1).all() and (norm.bias == 0).all()) for norm in norms)
    assert [module.p for module in net.modules() if isinstance(module, nn.Dropout)] == dropout
    biases = [m.bias for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear) and m.bias is not None]
    assert all(bool((bias == 0).all()) for bias in biases)
