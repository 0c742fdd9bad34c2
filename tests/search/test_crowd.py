"""Points by the thousand obey the laws of points one by one."""

from __future__ import annotations

import numpy as np
import pytest

from edgesmith.arch.space.choices import Choice, Need, Space
from edgesmith.arch.space.presets import find_space
from edgesmith.search.crowd import Codes, codes_of, cross, distinct, fingerprints, mutate, normal, points_of, sample

LAYERED = Space(
    [
        Choice(name="layers", options=(1, 2), ordered=True),
        Choice(name="width", options=(8, 16, 24, 32), ordered=True),
        Choice(name="fixed", options=(1,)),
        Choice(name="first", options=(3, 5, 7)),
        Choice(name="second", options=(3, 5, 7)),
    ],
    needs={4: Need(place=0, least=1)},
)
SPACES = [LAYERED, find_space("mobilenet_v3_small"), find_space("mnasnet")]


@pytest.fixture(params=SPACES, ids=["layered", "v3", "mnasnet"])
def space(request: pytest.FixtureRequest) -> Space:
    return request.param  # type: ignore[no-any-return]


def drawn(space: Space, count: int = 300) -> Codes:
    return sample(space, count, np.random.default_rng(0))


def test_all_kinds_of_draws_are_normal_points(space: Space) -> None:
    rng, parents = np.random.default_rng(1), drawn(space)
    for codes in (parents, mutate(space, parents, rng, changes=3), cross(space, parents, parents[::-1], rng)):
        for point in points_of(codes):
            assert space.normal(point) == point


def test_normal_is_that_of_the_space(space: Space) -> None:
    sizes = [len(choice.options) for choice in space.choices]
    codes = np.random.default_rng(2).integers(sizes, size=(300, len(sizes)))
    assert points_of(normal(space, codes)) == [space.normal(point) for point in points_of(codes)]


def test_a_mutant_differs_and_its_parent_is_left_alone(space: Space) -> None:
    parents = drawn(space)
    before = parents.copy()
    mutants = mutate(space, parents, np.random.default_rng(3))
    assert (mutants != parents).any(axis=1).all()
    assert (parents == before).all()


@pytest.mark.parametrize("changes", [1, 4])
def test_changes_is_the_mean_number_of_choices_that_are_drawn_anew(changes: int) -> None:
    wide = Space([Choice(name=str(index), options=tuple(range(1000))) for index in range(20)])
    parents = drawn(wide, 1000)
    changed = (mutate(wide, parents, np.random.default_rng(4), changes=np.full(1000, changes)) != parents).sum(axis=1)
    assert changed.mean() == pytest.approx(changes, abs=0.3)
    assert changed.min() >= 1


def test_every_option_and_choice_is_reached_by_mutation() -> None:
    """From one point: both depths, four widths and every kernel but of the layer that is not there."""
    start = codes_of([(0, 0, 0, 0, 0)] * 500, LAYERED)
    mutants = set(points_of(mutate(LAYERED, start, np.random.default_rng(5))))
    assert mutants == {(1, 0, 0, 0, 0), *((0, w, 0, 0, 0) for w in (1, 2, 3)), *((0, 0, 0, k, 0) for k in (1, 2))}


def test_a_child_has_each_choice_from_a_parent(space: Space) -> None:
    first, second = drawn(space), drawn(space)[::-1]
    child = cross(space, first, second, np.random.default_rng(6))
    used = np.array([space.active(point) for point in points_of(child)])
    assert ((child == first) | (child == second))[used].all()


def test_distinct_keeps_first_rows_that_are_not_known() -> None:
    codes = codes_of([(0, 1, 0, 2, 0), (0, 0, 0, 0, 0), (0, 1, 0, 2, 0), (1, 3, 0, 1, 2)], LAYERED)
    known = codes_of([(0, 0, 0, 0, 0)], LAYERED)
    assert points_of(distinct(codes, known)) == [(0, 1, 0, 2, 0), (1, 3, 0, 1, 2)]


def test_other_points_have_other_fingerprints(space: Space) -> None:
    codes = drawn(space, 20_000)
    assert len(np.unique(fingerprints(codes))) == len(set(points_of(codes)))
