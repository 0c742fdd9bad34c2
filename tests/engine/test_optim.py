"""Optimisers against updates worked by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgesmith.core.errors import UsageError
from edgesmith.engine.config import OptimConfig
from edgesmith.engine.optim import build_optimizer, set_norm_momentum_, set_rate_


def _net() -> nn.Module:
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(2.0)
    return net


def _after(config: OptimConfig, gradients: list[float]) -> tuple[float, float]:
    """A kernel and a bias, both 2 and with the same gradients, after one step for each."""
    net = _net()
    optimizer = build_optimizer(net, config)
    for gradient in gradients:
        for parameter in net.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        optimizer.step()
    return float(net.get_parameter("0.weight").item()), float(net.get_parameter("0.bias").item())


def test_sgd_with_momentum_decays_kernels_alone() -> None:
    config = OptimConfig(name="sgd", learning_rate=0.1, momentum=0.9, weight_decay=0.5)
    kernel, bias = _after(config, [1.0, 1.0])
    assert bias == pytest.approx(2 - 0.1 * 1 - 0.1 * (0.9 * 1 + 1))
    first = 2 - 0.1 * (1 + 0.5 * 2)
    assert kernel == pytest.approx(first - 0.1 * (0.9 * 2 + 1 + 0.5 * first))


def test_adamws_first_step_is_the_rate_and_its_decay_is_decoupled() -> None:
    kernel, bias = _after(OptimConfig(name="adamw", learning_rate=0.1, weight_decay=0.5), [3.0])
    assert bias == pytest.approx(2 - 0.1)
    assert kernel == pytest.approx(2 * (1 - 0.1 * 0.5) - 0.1)


def test_rmsprop_divides_by_the_root_mean_square() -> None:
    config = OptimConfig(
        name="rmsprop", learning_rate=0.1, momentum=0.0, weight_decay=0.0, square_decay=0.75, epsilon=0.5
    )
    kernel, bias = _after(config, [4.0])
    assert kernel == bias == pytest.approx(2 - 0.1 * 4 / ((0.25 * 16) ** 0.5 + 0.5))


def test_norms_and_biases_are_not_decayed() -> None:
    decayed, kept = build_optimizer(_net(), OptimConfig(weight_decay=0.3)).param_groups
    assert (len(decayed["params"]), decayed["weight_decay"]) == (1, 0.3)
    assert (len(kept["params"]), kept["weight_decay"]) == (3, 0.0)


def test_frozen_parameters_stay_out() -> None:
    net = _net()
    net.get_parameter("0.weight").requires_grad_(False)
    ((group),) = build_optimizer(net, OptimConfig()).param_groups
    assert len(group["params"]) == 3


def test_the_rate_reaches_every_group() -> None:
    optimizer = build_optimizer(_net(), OptimConfig())
    set_rate_(optimizer, 0.125)
    assert [group["lr"] for group in optimizer.param_groups] == [0.125, 0.125]


def test_norm_momentum_reaches_every_norm() -> None:
    net = _net()
    set_norm_momentum_(net, 0.25)
    norm = net.get_submodule("1")
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.momentum == 0.25


def test_an_unknown_optimiser_is_named_with_the_closest() -> None:
    with pytest.raises(UsageError, match=r"unknown optim\.name 'adam'; did you mean 'adamw'"):
        OptimConfig(name="adam")


class Parts(nn.Module):
    """A backbone and a head by name."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(2, 3)
        self.head = nn.Linear(3, 2)


def test_backbone_and_head_have_rates_of_their_own() -> None:
    optimizer = build_optimizer(Parts(), OptimConfig())
    set_rate_(optimizer, 0.5, backbone=0.2)
    assert [(group["part"], group["lr"]) for group in optimizer.param_groups] == [
        ("backbone", 0.1), ("backbone", 0.1), ("head", 0.5), ("head", 0.5),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["adamw", "rmsprop", "sgd"])
def test_a_frozen_backbone_does_not_move(name: str) -> None:
    net = Parts()
    optimizer = build_optimizer(net, OptimConfig(name=name))
    set_rate_(optimizer, 0.5, backbone=0.0)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    torch.autograd.backward(net.head(net.body(torch.ones(4, 2))).square().sum())
    optimizer.step()
    moved = {key for key, value in net.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == {"head.weight", "head.bias"}


def test_a_head_inside_a_wrapper_is_still_the_head() -> None:
    net = nn.ModuleDict({"blocks": nn.Linear(2, 2), "head": nn.Linear(2, 2)})
    wrapped = nn.ModuleDict({"graph": net})
    parts = [
        [(group["part"], len(group["params"])) for group in build_optimizer(each, OptimConfig()).param_groups]
        for each in (net, wrapped)
    ]
    assert parts[0] == parts[1] == [("backbone", 1), ("backbone", 1), ("head", 1), ("head", 1)]
