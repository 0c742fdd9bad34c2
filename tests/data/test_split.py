from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesmith.core.errors import UsageError
from edgesmith.data.samples import Sample
from edgesmith.data.split import count_labels, hold_out


def _samples(*counts: int) -> list[Sample]:
    return [Sample(f"{label}/{index:03d}.jpg", label) for label, count in enumerate(counts) for index in range(count)]


def test_a_fifth_of_each_class_is_held_out() -> None:
    rest, held = hold_out(_samples(100, 10, 3, 1), 0.2, seed=0)
    assert count_labels(held, 4) == [20, 2, 1, 0]
    assert count_labels(rest, 4) == [80, 8, 2, 1]


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(0, 30), min_size=1, max_size=5), fraction=st.floats(0.01, 0.99), seed=st.integers(0))
def test_the_parts_are_disjoint_complete_and_repeatable(counts: list[int], fraction: float, seed: int) -> None:
    samples = _samples(*counts)
    rest, held = hold_out(samples, fraction, seed=seed)
    assert Counter(rest) + Counter(held) == Counter(samples)
    assert hold_out(samples[::-1], fraction, seed=seed) == (rest, held)
    for label, count in enumerate(counts):
        if count > 1:
            assert count_labels(held, len(counts))[label] >= 1
            assert count_labels(rest, len(counts))[label] >= 1


def test_the_cut_of_a_class_does_not_depend_on_the_others() -> None:
    _, alone = hold_out(_samples(20), 0.25, seed=3)
    _, together = hold_out(_samples(20, 50), 0.25, seed=3)
    assert [sample for sample in together if sample.label == 0] == list(alone)
    assert hold_out(_samples(20), 0.25, seed=4)[1] != alone


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0])
def test_a_fraction_outside_zero_to_one_is_refused(fraction: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        hold_out(_samples(4), fraction, seed=0)
