"""A herd: nothing is looked at twice or beyond the limits, and what counts lives."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesmith.arch.space.choices import Choice, Encoding, Space
from edgesmith.search.crowd import Codes, points_of, sample
from edgesmith.search.gaussian import Floats
from edgesmith.search.herd import Herd
from edgesmith.search.limited import LimitedSpace

SPACE = Space([Choice(name=f"width{index}", options=tuple(range(6)), ordered=True) for index in range(8)])


def trade_off(codes: Codes) -> Floats:
    """A gain that saturates, and minus a cost that does not."""
    return np.column_stack([(1 - 0.5**codes).sum(axis=1), -codes.sum(axis=1).astype(np.float64)])


def breed(herd: Herd, generations: int, rng: np.random.Generator) -> None:
    herd.look_at(sample(SPACE, 40, rng))
    for _ in range(generations):
        herd.look_at(herd.children(60, rng))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_nothing_is_looked_at_twice_or_beyond_the_limits(seed: int) -> None:
    seen: list[Encoding] = []

    def predict(codes: Codes) -> Floats:
        seen.extend(points_of(codes))
        return trade_off(codes)

    limited = LimitedSpace(SPACE, lambda point: sum(point) % 2 == 0)
    breed(Herd(limited, predict, population=20), 5, np.random.default_rng(seed))
    assert len(seen) == len(set(seen)) > 0
    assert all(sum(point) % 2 == 0 for point in seen)


def test_the_front_is_found() -> None:
    """At each cost the best gain has widths as even as can be, 8 * (1 - 0.5 ** 2) at a cost of 16: almost."""
    herd = Herd(SPACE, trade_off, population=60)
    breed(herd, 40, np.random.default_rng(0))
    for cost, best in ((8, 4.0), (16, 6.0), (24, 7.0)):
        found = herd.goals[herd.goals[:, 1] == -cost, 0].max()
        assert 0.93 * best <= found <= best


def test_what_costs_too_much_dies_out() -> None:
    herd, free = (Herd(SPACE, trade_off, population=30, least=least) for least in (-10.0, -np.inf))
    costs = []
    for each in (herd, free):
        breed(each, 15, np.random.default_rng(1))
        costs.append(each.children(200, np.random.default_rng(2)).sum(axis=1))
    assert np.mean(costs[0] <= 11) > 0.6
    assert np.mean(costs[1] <= 11) < 0.3


def test_no_more_are_looked_at_than_asked_for() -> None:
    herd = Herd(SPACE, trade_off, population=30)
    codes = sample(SPACE, 50, np.random.default_rng(0))
    assert herd.look_at(codes, most=7) == 7 == len(herd.codes)
    assert herd.look_at(codes[:7]) == 0
