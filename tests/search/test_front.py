"""Fronts and what they cover, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.search.front import front_of, hypervolume, hypervolume_gains

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12)


def test_rows_that_another_beats_are_left_out() -> None:
    goals = np.array([[1.0, 5.0], [2.0, 4.0], [2.0, 3.0], [0.0, 9.0], [2.0, 4.0], [1.0, 1.0]])
    assert front_of(goals) == [0, 1, 3]


@given(ROWS)
def test_no_row_of_the_front_beats_another_and_each_other_row_is_beaten(rows: list[tuple[int, int]]) -> None:
    goals = np.array(rows, dtype=np.float64)
    kept = front_of(goals)
    for row in range(len(goals)):
        beaten = [other for other in kept if (goals[other] >= goals[row]).all() and other != row]
        assert bool(beaten) == (row not in kept)


@given(ROWS)
def test_a_goal_that_all_share_changes_nothing(rows: list[tuple[int, int]]) -> None:
    goals = np.array(rows, dtype=np.float64)
    assert front_of(np.column_stack([goals, np.ones(len(goals))])) == front_of(goals)


@pytest.mark.parametrize(
    ("rows", "area"),
    [
        ([[3, 3]], 4),
        ([[3, 3], [2, 4]], 5),
        ([[3, 3], [2, 2]], 4),
        ([[2, 4], [3, 3], [4, 2]], 6),
        ([[1, 9], [0, 5]], 0),
    ],
)
def test_the_area_beyond_the_reference(rows: list[list[float]], area: float) -> None:
    assert hypervolume(np.array(rows, dtype=np.float64), (1, 1)) == area


@given(ROWS)
def test_the_area_is_that_of_the_front(rows: list[tuple[int, int]]) -> None:
    goals = np.array(rows, dtype=np.float64)
    cells = {(x, y) for a, b in rows for x in range(a) for y in range(b)}
    assert hypervolume(goals, (0, 0)) == len(cells) == hypervolume(goals[front_of(goals)], (0, 0))


@given(ROWS, ROWS)
def test_gains_are_what_each_candidate_adds(rows: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    goals, candidates = np.array(rows) - 1.5, np.array(others) - 1.5
    before = hypervolume(goals, (0.0, 0.0))
    added = [hypervolume(np.vstack([goals, each]), (0.0, 0.0)) - before for each in candidates]
    assert hypervolume_gains(goals, candidates, (0.0, 0.0)) == pytest.approx(added, abs=1e-9)


def test_the_first_candidates_gain_their_rectangles() -> None:
    gains = hypervolume_gains(np.zeros((0, 2)), np.array([[2.0, 3.0], [-1.0, 4.0]]), (0.0, 1.0))
    assert gains.tolist() == [4.0, 0.0]
