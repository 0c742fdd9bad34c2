"""What goes wrong is found, and named by its layer."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.engine.health import (
    ChanceWatch,
    check_batch_size,
    find_bad_layer,
    find_lone_norms,
    is_spoiled,
    running_statistics,
)
from edgesmith.nn.build import build


def _told(watch: ChanceWatch, losses: list[float]) -> list[int]:
    """Numbers of the losses at which the watch spoke, ten steps apart."""
    return [i for i, loss in enumerate(losses) if watch.see(loss, step=10 * (i + 1), learning_rate=0.1) is not None]


def test_case_m14_a_flat_loss_is_told_of_once() -> None:
    watch = ChanceWatch(math.log(10), first_step=60)
    assert _told(watch, [math.log(10)] * 20) == [5]


def test_case_m14_the_advice_names_the_figures_and_a_lower_rate() -> None:
    watch = ChanceWatch(math.log(10), first_step=0, windows=1)
    text = watch.see(2.31, step=200, learning_rate=0.1)
    assert text is not None
    assert "2.310 after 200 steps, and guessing gives 2.303" in text
    assert "--set optim.learning_rate=0.01" in text


@pytest.mark.parametrize("losses", [[2.3, 2.3, 2.3, 2.3, 1.9] * 4, [2.3 - 0.05 * i for i in range(20)]])
def test_case_m14_a_net_that_learns_is_left_in_peace(losses: list[float]) -> None:
    assert _told(ChanceWatch(math.log(10), first_step=30), losses) == []


def test_a_task_without_a_chance_loss_is_not_watched() -> None:
    assert _told(ChanceWatch(None, first_step=0), [9.0] * 20) == []


def test_case_m8_mobilenet_has_norms_that_see_one_value_at_32_pixels() -> None:
    net = build(find("mobilenet_v3_small@width=0.35,resolution=32,classes=2")).train()
    lone = find_lone_norms(net, (32, 32))
    assert lone
    assert all(isinstance(net.get_submodule(name), nn.BatchNorm2d) for name in lone)
    assert find_lone_norms(net, (64, 64)) == ()
    assert net.training


def test_case_m8_the_refusal_names_norm_and_ways_out() -> None:
    with pytest.raises(UsageError, match=r"a batch of one picture at 32x32 .* in tail\.norm, .* batch_size=2"):
        check_batch_size(("tail.norm",), largest_batch=1, resolution=(32, 32))
    check_batch_size(("tail.norm",), largest_batch=2, resolution=(32, 32))
    check_batch_size((), largest_batch=1, resolution=(32, 32))


def test_case_m8_named_norms_use_running_statistics_for_a_while() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)).train()
    with running_statistics(net, ("1",)):
        assert net(torch.ones(1, 3, 1, 1)).shape == (1, 2, 1, 1)
        assert net.get_submodule("0").training
    assert net.get_submodule("1").training
    assert int(net.get_buffer("1.num_batches_tracked")) == 0


class _Spoiler(nn.Module):
    """Passes pictures on, and multiplies values or gradients by infinity."""

    def __init__(self, *, forward: bool) -> None:
        super().__init__()
        self._is_forward = forward

    def forward(self, x: Tensor) -> Tensor:
        if self._is_forward:
            return x * math.inf
        if x.requires_grad:
            x.register_hook(lambda gradient: gradient * math.inf)  # type: ignore[no-untyped-call]
        return x * 1


def _net(spoiler: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), spoiler, nn.Conv2d(4, 4, 1), nn.Flatten(), nn.Linear(4, 2))


IMAGES = torch.ones(2, 3, 1, 1)


def test_case_t7_a_bad_activation_is_named() -> None:
    assert find_bad_layer(_net(_Spoiler(forward=True)), IMAGES) == "1"


def test_case_t7_a_bad_gradient_is_named_where_it_begins() -> None:
    net = _net(_Spoiler(forward=False))
    net(IMAGES).sum().backward()
    assert find_bad_layer(net, IMAGES) == "0.bias"


def test_a_net_is_spoiled_by_its_weights_or_by_what_it_makes_of_good_pictures() -> None:
    good, bad, worse = _net(nn.Identity()), _net(_Spoiler(forward=True)), _net(nn.BatchNorm2d(4))
    worse.get_buffer("1.running_var").fill_(math.inf)
    assert [is_spoiled(net, IMAGES) for net in (good, bad, worse)] == [False, True, True]
    assert not is_spoiled(bad, IMAGES * math.nan), "bad pictures say nothing of a net"
    assert good.training


def test_case_t7_a_bad_weight_comes_before_what_it_spoils() -> None:
    net = _net(nn.Identity())
    with torch.no_grad():
        net.get_parameter("2.weight").fill_(math.nan)
    assert find_bad_layer(net, IMAGES) == "2.weight"


def test_case_t7_bad_pictures_and_a_bad_loss_are_told_apart() -> None:
    assert find_bad_layer(_net(nn.Identity()), IMAGES * math.nan) == "the input pictures"
    assert find_bad_layer(_net(nn.Identity()), IMAGES) == "the loss"
