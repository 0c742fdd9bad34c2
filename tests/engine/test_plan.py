"""What each step does is a function of its number."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.engine.config import OptimConfig, ScheduleConfig, TrainConfig
from edgesmith.engine.plan import Plan

BASE = TrainConfig(
    pictures=6400,
    batch_size=64,
    optim=OptimConfig(learning_rate=0.1),
    schedule=ScheduleConfig(warmup_pictures=640),
)


def plan(config: TrainConfig = BASE, *, num_images: int = 640) -> Plan:
    return Plan(config=config, resolution=(160, 128), num_images=num_images, num_batches=num_images // 64)


def test_warm_up_then_cosine_to_zero() -> None:
    p = plan()
    assert p.num_steps == 100
    assert p.rate_at(0) == pytest.approx(0.01, rel=1e-3)
    assert p.rate_at(50) == pytest.approx(0.05)
    assert p.rate_at(99) == pytest.approx(0.1 * 0.5 * (1 + math.cos(math.pi * 0.99)))


def test_a_short_run_warms_up_for_a_fifth_at_most() -> None:
    short = plan(replace(BASE, pictures=640, schedule=ScheduleConfig(warmup_pictures=3000)))
    assert short.warmup_steps == 2
    assert short.rate_at(2) > 0.08


def test_exponential_drops_every_few_epochs() -> None:
    p = plan(replace(BASE, schedule=ScheduleConfig(name="exponential", warmup_pictures=0, decay=0.5, every_epochs=2)))
    assert [p.rate_at(step) for step in (0, 19, 20, 40)] == pytest.approx([0.1, 0.1, 0.05, 0.025])


def test_the_rate_is_scaled_to_the_batch_where_asked() -> None:
    optim = OptimConfig(learning_rate=0.1, reference_batch_size=4096)
    p = plan(replace(BASE, optim=optim, schedule=ScheduleConfig(name="constant", warmup_pictures=0)))
    assert p.rate_at(10) == pytest.approx(0.1 * 64 / 4096)


def test_resolution_grows_in_equal_parts() -> None:
    p = plan(replace(BASE, resolution_steps=(0.5, 0.8, 1.0)))
    assert [p.resolution_at(step) for step in (0, 33, 34, 66, 67, 99)] == [
        (80, 64), (80, 64), (128, 96), (128, 96), (160, 128), (160, 128),
    ]  # fmt: skip


@given(st.integers(2, 500), st.integers(1, 70), st.integers(1, 20_000))
def test_pictures_add_up(num_images: int, batch_size: int, pictures: int) -> None:
    whole, rest = divmod(num_images, batch_size)
    batches = whole + (rest > 1 or (rest == 1 and whole == 0))
    config = replace(BASE, batch_size=batch_size, pictures=pictures)
    p = Plan(config=config, resolution=(32, 32), num_images=num_images, num_batches=batches)
    seen = [p.pictures_at(step) for step in range(min(p.num_steps, 200) + 1)]
    assert seen[0] == 0
    assert all(0 < later - earlier <= batch_size for earlier, later in pairwise(seen))
    assert p.num_steps == 1 or abs(p.pictures_at(p.num_steps) - pictures) <= batch_size / 2


def test_the_backbone_waits_for_the_head() -> None:
    p = plan(replace(BASE, frozen_pictures=130, optim=replace(BASE.optim, backbone_rate=0.3)))
    assert [p.backbone_share_at(step) for step in (0, 2, 3, 50)] == [0.0, 0.0, 0.3, 0.3]
