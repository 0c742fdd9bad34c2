"""Whether two models are told apart by the pictures that both answered to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesmith.recipes.paired import BETTER, TIE, WORSE, Difference, difference
from edgesmith.tasks.base import Metric
from edgesmith.tasks.classification import ClassificationMetric
from edgesmith.tasks.segmentation import SegmentationMetric


def answering(right: Sequence[bool]) -> Metric:
    """Of two classes, the first of which is always true."""
    metric = ClassificationMetric(("a", "b"), seed=0)
    metric.update(np.array([[1.0, 0.0] if each else [0.0, 1.0] for each in right]), np.zeros(len(right), dtype=int))
    return metric


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (252, 250, TIE),  # 0.7 points on 300 pictures
        (290, 250, BETTER),
        (250, 290, WORSE),
        (300, 300, TIE),
    ],
)
def test_a_small_win_on_few_pictures_is_a_tie(ours: int, theirs: int, verdict: str) -> None:
    one, other = ([place < count for place in range(300)] for count in (ours, theirs))
    other = other[::-1]  # they are wrong elsewhere
    found = difference(answering(one), answering(other), task="classification", count=300)
    assert found.value == pytest.approx((ours - theirs) / 300)
    assert found.low <= found.value <= found.high
    assert found.verdict == verdict


def test_the_same_pictures_tell_more_than_two_intervals_do() -> None:
    """Where the better one is right wherever the other is, eight pictures of 300 are enough."""
    one, other = ([place < count for place in range(300)] for count in (258, 250))
    found = difference(answering(one), answering(other), task="classification", count=300)
    assert found.verdict == BETTER
    assert found.low > 0
    alone = [answering(each).compute() for each in (one, other)]
    assert alone[0]["top1_low"] < alone[1]["top1_high"]


def test_segmenters_are_set_against_each_other_by_their_miou() -> None:
    rng = np.random.default_rng(0)
    truths = [rng.integers(0, 2, (8, 8)).astype(np.uint8) for _ in range(30)]
    metrics = []
    for wrong in (0.1, 0.4):
        metric = SegmentationMetric(("a", "b"), seed=0)
        for truth in truths:
            answer = np.where(rng.random(truth.shape) < wrong, 1 - truth, truth)
            metric.update(np.stack([answer == 0, answer == 1]).astype(np.float32)[None], [truth])
        metrics.append(metric)
    found = difference(*metrics, task="segmentation", count=30)
    assert found.verdict == BETTER
    assert found.value == pytest.approx(metrics[0].compute()["miou"] - metrics[1].compute()["miou"])


@settings(deadline=None)  # thousands of draws
@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_model_ties_with_itself_and_turned_round_the_verdict_turns(right: list[bool]) -> None:
    count = len(right)
    same = difference(answering(right), answering(right), task="classification", count=count)
    assert same == Difference(value=0.0, low=0.0, high=0.0)
    wrong = [not each for each in right]
    there, back = (
        difference(answering(one), answering(other), task="classification", count=count)
        for one, other in ((right, wrong), (wrong, right))
    )
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))
