"""The forecast of pictures per second, with a clock of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from edgesmith.engine.speed import measure_speed
from edgesmith.tasks.classification import Classification
from tests.engine.sets import CONFIG, ToyLoader, toy_net


class Clock:
    """Adds 0.1 s at each look, and now and then a disturbance."""

    def __init__(self, *, disturbed_every: int) -> None:
        self._now, self._looks, self._every = 0.0, 0, disturbed_every

    def __call__(self) -> float:
        self._looks += 1
        self._now += 5.0 if self._looks % self._every == 0 else 0.1
        return self._now


@pytest.mark.parametrize("disturbed_every", [10**9, 5])
def test_a_disturbance_now_and_then_does_not_count(disturbed_every: int) -> None:
    net = toy_net()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    speed = measure_speed(
        net,
        Classification(("a", "b")),
        ToyLoader(num_images=16),
        replace(CONFIG, resolution_steps=(0.5, 1.0)),
        resolution=(64, 64),
        steps=8,
        device="cpu",
        clock=Clock(disturbed_every=disturbed_every),
    )
    assert speed == pytest.approx(4 / 0.1)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


class Alternating:
    """Steps that take 0.1 s and 0.3 s by turns, as where a loader is slower than the net."""

    def __init__(self) -> None:
        self._now, self._looks = 0.0, 0

    def __call__(self) -> float:
        self._looks += 1
        self._now += 0.3 if self._looks % 2 else 0.1
        return self._now


def test_steps_that_are_slow_every_other_time_count_as_they_are() -> None:
    speed = measure_speed(
        toy_net(),
        Classification(("a", "b")),
        ToyLoader(num_images=16),
        CONFIG,
        resolution=(64, 64),
        steps=8,
        device="cpu",
        clock=Alternating(),
    )
    assert speed == pytest.approx(4 / 0.2, rel=0.01)
