from __future__ import annotations

import pytest

from edgesmith.arch.names import Padding
from edgesmith.weights.sources.padding import NO_SIDES, Sides, fitting, same_sides


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "sides"),
    [
        (224, 3, 2, (0, 1)),
        (224, 5, 2, (1, 2)),
        (225, 3, 2, (1, 1)),
        (225, 5, 2, (2, 2)),
        (56, 3, 1, (1, 1)),
        (7, 1, 1, (0, 0)),
    ],
)
def test_same_as_the_facts_have_it(size: int, kernel: int, stride: int, sides: tuple[int, int]) -> None:
    assert same_sides((size, size), (kernel, kernel), stride) == (sides, sides)


@pytest.mark.parametrize(
    ("sides", "size", "kernel", "stride", "rules"),
    [
        (((0, 1), (0, 1)), 224, 3, 2, {Padding.SAME}),
        (((1, 1), (1, 1)), 224, 3, 2, {Padding.SYMMETRIC}),
        (((1, 1), (1, 1)), 225, 3, 2, {Padding.SAME, Padding.SYMMETRIC}),
        (NO_SIDES, 224, 3, 2, {Padding.VALID}),
        (NO_SIDES, 7, 1, 1, {Padding.SAME, Padding.SYMMETRIC, Padding.VALID}),
        (((1, 0), (1, 0)), 224, 3, 2, set()),
    ],
)
def test_rules_that_fit(sides: Sides, size: int, kernel: int, stride: int, rules: set[Padding]) -> None:
    assert fitting(sides, (size, size), (kernel, kernel), stride) == rules
