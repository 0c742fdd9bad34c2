"""Averaged weights against the recurrence worked by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgesmith.engine.ema import WeightAverage


def _net() -> nn.Sequential:
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    with torch.no_grad():
        net.get_parameter("0.weight").fill_(0.0)
    return net


def test_case_t6_the_decay_warms_up() -> None:
    net = _net()
    average = WeightAverage(net, decay=0.9999)
    with torch.no_grad():
        net.get_parameter("0.weight").fill_(1.0)
    wanted = 0.0
    for update in range(1, 6):
        average.update()
        decay = min(0.9999, (1 + update) / (10 + update))
        wanted = decay * wanted + (1 - decay) * 1.0
        assert average.net.get_parameter("0.weight").item() == pytest.approx(wanted, abs=1e-6)
    assert average.num_updates == 5
    assert wanted > 0.9  # with a fixed decay of 0.9999 it would be 0.0005


def test_a_low_decay_is_never_exceeded() -> None:
    net = _net()
    average = WeightAverage(net, decay=0.1)
    with torch.no_grad():
        net.get_parameter("0.weight").fill_(1.0)
    average.update()
    assert average.net.get_parameter("0.weight").item() == pytest.approx(0.9)


def test_case_t6_statistics_are_averaged_and_counters_are_copied() -> None:
    net = _net().train()
    average = WeightAverage(net, decay=0.5)
    net(torch.full((4, 1), 3.0))
    net.get_buffer("1.running_mean").fill_(4.0)
    average.update()
    first_decay = 2 / 11
    assert average.net.get_buffer("1.running_mean").item() == pytest.approx(4 * (1 - first_decay))
    counter = average.net.get_buffer("1.num_batches_tracked")
    assert counter.dtype == torch.int64
    assert int(counter) == 1


def test_the_average_is_in_evaluation_mode_and_learns_nothing() -> None:
    average = WeightAverage(_net().train(), decay=0.5)
    assert not average.net.training
    assert not any(parameter.requires_grad for parameter in average.net.parameters())
