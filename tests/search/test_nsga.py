"""NSGA-II's parts, by hand and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.search.front import front_of
from edgesmith.search.nsga import crowding, front_ranks, parents, survivors

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=15, unique=True)


@given(ROWS)
def test_ranks_peel_front_after_front(rows: list[tuple[int, int]]) -> None:
    goals = np.array(rows, dtype=np.float64)
    ranks, left = front_ranks(goals), np.arange(len(goals))
    for rank in range(ranks.max() + 1):
        front = left[front_of(goals[left])]
        assert set(front) == set(np.flatnonzero(ranks == rank))
        left = np.setdiff1d(left, front)
    assert not len(left)


def test_of_equal_points_the_second_lies_a_front_behind() -> None:
    assert front_ranks(np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 0.0]])).tolist() == [0, 1, 0]


def test_crowding_by_hand() -> None:
    """Four points on a line: neighbours of the second are 2 of 4 apart in both goals, of the third 3 of 4."""
    goals = np.array([[0.0, 4.0], [1.0, 3.0], [2.0, 2.0], [4.0, 0.0]])
    found = crowding(goals, np.zeros(4, dtype=np.intp))
    assert np.isinf(found[[0, 3]]).all()
    assert found[1:3] == pytest.approx([1.0, 1.5])


def test_whole_fronts_survive_first_and_ends_before_the_crowded() -> None:
    goals = np.array([[0.0, 4.0], [1.0, 3.0], [1.1, 2.9], [4.0, 0.0], [0.0, 0.0]])
    assert set(survivors(goals, 3)[:2].tolist()) == {0, 3}
    assert 4 not in survivors(goals, 4)


def test_better_points_have_more_children() -> None:
    drawn = parents(10_000, 10, np.random.default_rng(0))
    counts = np.bincount(drawn, minlength=10) / 10_000
    assert counts == pytest.approx([(19 - 2 * place) / 100 for place in range(10)], abs=0.02)
