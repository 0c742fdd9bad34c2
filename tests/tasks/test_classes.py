"""Logits to named classes with numpy alone."""

from __future__ import annotations

import numpy as np
import pytest

from edgesmith.core.errors import ExportError
from edgesmith.tasks.classes import decode, softmax


def test_softmax_sums_to_one_and_does_not_overflow() -> None:
    scores = softmax(np.array([[1e4, 0.0, -1e4], [1.0, 1.0, 1.0]]))
    assert scores.sum(axis=1) == pytest.approx([1, 1])
    assert scores[0, 0] == 1
    assert scores[1] == pytest.approx([1 / 3] * 3)


def test_the_likeliest_come_first_and_ties_keep_their_order() -> None:
    ((best, second),) = decode(np.array([[0.0, 2.0, 2.0]]), ("a", "b", "c"), count=2)
    assert (best.name, second.name) == ("b", "c")
    assert best.score == second.score


def test_a_wrong_number_of_classes_is_refused() -> None:
    with pytest.raises(ExportError, match="2 classes"):
        decode(np.zeros((1, 3)), ("a", "b"))
