"""Laws of rows of choices, on a small space with a choice that may be without effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.arch.space.choices import Choice, Encoding, Need, Space
from edgesmith.core.errors import UsageError

LAYERS = Choice(name="layers", options=(1, 2), ordered=True)
WIDTH = Choice(name="width", options=(8, 16, 24, 32), ordered=True)
KERNEL = Choice(name="kernel", options=(3, 5, 7))


# The second kernel counts only where there is a second layer.
SPACE = Space([LAYERS, WIDTH, KERNEL, Choice(name="second", options=(3, 5, 7))], needs={3: Need(place=0, least=1)})
POINTS = st.tuples(*(st.integers(0, len(choice.options) - 1) for choice in SPACE.choices))


@given(POINTS)
def test_normal_points_stay_and_stand_for_the_same(point: Encoding) -> None:
    normal = SPACE.normal(point)
    assert SPACE.normal(normal) == normal
    assert all(a == b for a, b, used in zip(normal, point, SPACE.active(point), strict=True) if used)


@given(POINTS)
def test_neighbours_differ_in_one_choice_and_know_each_other(point: Encoding) -> None:
    point = SPACE.normal(point)
    found = list(SPACE.neighbours(point))
    assert len(found) == len(set(found)) == 1 + 2 - (point[1] in (0, 3)) + 2 + 2 * (point[0] == 1)
    for other in found:
        assert other == SPACE.normal(other) != point
        if other[0] == point[0]:
            assert sum(a != b for a, b in zip(other, point, strict=True)) == 1
            assert point in set(SPACE.neighbours(other))


@given(POINTS, st.integers(0, 1000), st.floats(1, 4))
def test_a_mutant_is_another_point_of_the_space(point: Encoding, seed: int, changes: float) -> None:
    mutant = SPACE.mutate(SPACE.normal(point), np.random.default_rng(seed), changes=changes)
    SPACE.check(mutant)
    assert mutant == SPACE.normal(mutant)
    if changes == 1:
        assert mutant != SPACE.normal(point)


def test_changes_is_the_mean_number_of_choices_that_are_drawn_anew() -> None:
    wide = Space([Choice(name=str(index), options=tuple(range(1000))) for index in range(20)])
    rng = np.random.default_rng(0)
    point = wide.sample(rng)
    changed = [sum(a != b for a, b in zip(point, wide.mutate(point, rng, changes=4), strict=True)) for _ in range(500)]
    assert np.mean(changed) == pytest.approx(4, abs=0.3)


@given(POINTS, POINTS, st.integers(0, 1000))
def test_a_child_has_each_choice_from_a_parent(first: Encoding, second: Encoding, seed: int) -> None:
    child = SPACE.crossover(first, second, np.random.default_rng(seed))
    active = SPACE.active(child)
    assert all(c in (a, b) for a, b, c, used in zip(first, second, child, active, strict=True) if used)


def test_samples_cover_the_space() -> None:
    rng = np.random.default_rng(0)
    assert len({SPACE.sample(rng) for _ in range(2000)}) == 12 + 36


@pytest.mark.parametrize(
    ("point", "message"),
    [((0, 0, 0), "a point of this space has 4 numbers, got 3"), ((0, 4, 0, 0), "width has options 0 to 3, got 4")],
)
def test_what_is_no_point_is_refused(point: Encoding, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SPACE.normal(point)


def test_choices_need_options_and_names_of_their_own() -> None:
    with pytest.raises(UsageError, match="choice kernel has no options"):
        Choice(name="kernel", options=())
    with pytest.raises(UsageError, match="two choices are called kernel"):
        Space([KERNEL, KERNEL])
