from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.arch.channels import make_divisible


@given(st.floats(0.1, 5000))
def test_rounding_gives_a_multiple_of_8_and_keeps_90_percent(value: float) -> None:
    rounded = make_divisible(value)
    assert rounded % 8 == 0
    assert rounded >= 8
    assert rounded >= 0.9 * value
    assert rounded <= max(8, value + 8)


@given(st.floats(0.1, 5000), st.floats(0, 500))
def test_rounding_never_falls_by_more_than_one_step(value: float, more: float) -> None:
    assert make_divisible(value + more) >= make_divisible(value) - 8


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (18, 24),
        (30, 32),
        (4, 8),
        (20, 24),
        (16 * 0.35, 8),
        (24 * 0.35, 8),
        (40 * 0.35, 16),
        (80 * 0.35, 32),
        (112 * 0.35, 40),
        (160 * 0.35, 56),
        (960 * 0.35, 336),
        (32 * 1.4, 48),
    ],
)
def test_case_m1_known_roundings(value: float, rounded: int) -> None:
    assert make_divisible(value) == rounded


def test_minimum_and_divisor() -> None:
    assert make_divisible(3, minimum=16) == 16
    assert make_divisible(33, 4) == 32
    assert make_divisible(35, 4) == 36
