"""Losses and metric of detection."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from edgesmith.arch.names import Scores
from edgesmith.core.errors import DataError, UsageError
from edgesmith.data.samples import Box
from edgesmith.nn.anchored import encode_boxes
from edgesmith.tasks.detection import Detection
from edgesmith.tasks.matching import match

ANCHORS = torch.tensor([[0.25, 0.25, 0.3, 0.3], [0.75, 0.75, 0.3, 0.3], [0.5, 0.5, 0.9, 0.9], [0.9, 0.1, 0.1, 0.1]])
BOTH = [Scores.SIGMOID, Scores.SOFTMAX]


def outputs(offsets: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    return torch.cat([offsets, ANCHORS.expand(len(offsets), -1, -1), logits], dim=2)


def test_an_anchor_stands_for_what_it_overlaps_by_half_and_every_object_has_one() -> None:
    boxes = torch.tensor([[0.1, 0.1, 0.4, 0.4], [0.86, 0.02, 0.88, 0.2]])  # the second fits no anchor by half
    assert match(ANCHORS, boxes).tolist() == [0, -1, -1, 1]
    assert match(ANCHORS, torch.zeros(0, 4)).tolist() == [-1] * 4


@pytest.mark.parametrize("scores", BOTH)
def test_case_b2_pictures_without_objects_have_a_finite_loss(scores: Scores) -> None:
    task = Detection(("a", "b"), scores=scores)
    logits = torch.randn(2, 4, 3)
    made = outputs(torch.randn(2, 4, 4), logits).requires_grad_()
    empty = torch.zeros(2, 0, 5)
    one = torch.tensor([[[1.0, 0.1, 0.1, 0.4, 0.4]], [[0.0, 0.0, 0.0, 0.0, 0.0]]])
    for targets in (empty, one):
        loss = task.loss(made, targets)
        torch.autograd.backward(loss)
        assert torch.isfinite(loss)
        assert made.grad is not None
        assert torch.isfinite(made.grad).all()


def test_the_focal_loss_is_the_sum_of_its_terms() -> None:
    """Worked by hand: one box of class b stands for the first anchor, all others are background."""
    task = Detection(("a", "b"))
    logits = torch.tensor([[[0.0, 0.3, -0.2], [0.0, -1.0, 0.5], [0.0, 0.0, 0.0], [0.0, -3.0, 2.0]]])
    offsets = torch.full((1, 4, 4), 0.5)
    box = torch.tensor([0.12, 0.1, 0.4, 0.42])
    targets = torch.cat([torch.tensor([2.0]), box])[None, None]
    expected = 0.0
    for place in range(4):
        for column in (1, 2):
            share = 1 / (1 + math.exp(-float(logits[0, place, column])))
            if place == 0 and column == 2:
                expected += 0.75 * (1 - share) ** 2 * -math.log(share)
            else:
                expected += 0.25 * share**2 * -math.log(1 - share)
    wanted = encode_boxes(box, ANCHORS[0])
    expected += float(F.smooth_l1_loss(offsets[0, 0], wanted, reduction="sum")) / 4
    assert task.loss(outputs(offsets, logits), targets).item() == pytest.approx(expected, rel=1e-5)


def test_the_softmax_loss_asks_three_negatives_for_each_positive() -> None:
    task = Detection(("a",), scores=Scores.SOFTMAX)
    logits = torch.tensor([[[0.0, 1.0], [0.0, -1.0], [0.0, 2.0], [0.0, 0.5]]])
    box = torch.tensor([0.1, 0.1, 0.4, 0.4])
    targets = torch.cat([torch.tensor([1.0]), box])[None, None]
    offsets = encode_boxes(box, ANCHORS[0]).expand(1, 4, 4)
    losses = F.cross_entropy(logits[0], torch.tensor([1, 0, 0, 0]), reduction="none")
    assert task.loss(outputs(offsets, logits), targets).item() == pytest.approx(float(losses.sum()), rel=1e-5)
    empty = task.loss(outputs(offsets, logits), torch.zeros(1, 0, 5))
    assert empty.item() == 0, "torchvision's rule: without a positive nothing is asked"


def answers(rows: list[tuple[int, float, tuple[float, float, float, float]]], num_classes: int) -> np.ndarray:
    made = np.zeros((1, len(rows), 5 + num_classes), dtype=np.float32)
    for place, (label, score, corners) in enumerate(rows):
        made[0, place, :4], made[0, place, 5 + label] = corners, score
    return made


TRUTH = ((0.1, 0.1, 0.3, 0.4), (0.5, 0.5, 0.9, 0.8))


def test_case_b3_truth_as_prediction_is_perfect() -> None:
    task = Detection(("red", "unused", "blue"))
    metric = task.metric()
    boxes = [Box(0, *TRUTH[0]), Box(2, *TRUTH[1])]
    metric.update(answers([(0, 0.9, TRUTH[0]), (2, 0.8, TRUTH[1])], 3), [boxes])
    found = metric.compute()
    assert found["map"] == pytest.approx(1.0)
    assert found["map_50"] == pytest.approx(1.0)
    assert [(row["num_boxes"], row["ap"]) for row in found["per_class"]] == [
        (1, pytest.approx(1.0)),
        (0, None),
        (1, pytest.approx(1.0)),
    ]


def test_case_b11_what_is_found_in_a_crowd_is_no_mistake() -> None:
    task = Detection(("a",))
    plain, crowded = task.metric(), task.metric()
    rows = [(0, 0.9, TRUTH[1]), (0, 0.8, TRUTH[0])]
    plain.update(answers(rows, 1), [[Box(0, *TRUTH[0])]])
    crowded.update(answers(rows, 1), [[Box(0, *TRUTH[0]), Box(0, *TRUTH[1], crowd=True)]])
    assert plain.compute()["map"] == pytest.approx(0.5, abs=0.01)
    assert crowded.compute()["map"] == pytest.approx(1.0)


def test_case_b11_crowds_are_no_boxes_to_find() -> None:
    """A class that has nothing but crowds has no figure, and the mean is over the others."""
    task = Detection(("a", "mass", "none"))
    metric = task.metric()
    boxes = [Box(0, *TRUTH[0]), Box(0, *TRUTH[1], crowd=True), Box(1, *TRUTH[1], crowd=True)]
    metric.update(answers([(0, 0.9, TRUTH[0]), (1, 0.8, TRUTH[1]), (2, 0.7, TRUTH[1])], 3), [boxes])
    found = metric.compute()
    assert [(row["num_boxes"], row["ap"]) for row in found["per_class"]] == [
        (1, pytest.approx(1.0)),
        (0, None),
        (0, None),
    ]
    assert found["map"] == pytest.approx(1.0)
    crowds = task.metric()
    crowds.update(answers([(1, 0.8, TRUTH[1])], 3), [[Box(1, *TRUTH[1], crowd=True)]])
    with pytest.raises(DataError, match="none of these pictures has a box to find"):
        crowds.compute()


def test_case_b6_a_picture_without_boxes_and_one_with_are_scored_together() -> None:
    task = Detection(("a",))
    metric = task.metric()
    metric.update(np.zeros((2, 3, 6), dtype=np.float32), [[], [Box(0, *TRUTH[0])]])
    assert metric.compute()["map"] == 0
    with pytest.raises(DataError, match="no picture to evaluate on"):
        task.metric().compute()
    nothing = task.metric()
    nothing.update(np.zeros((1, 3, 6), dtype=np.float32), [[]])
    with pytest.raises(DataError, match="none of these pictures has a box to find"):
        nothing.compute()


@pytest.mark.parametrize("scores", BOTH)
def test_answers_of_a_network_and_of_its_file_are_the_same_boxes(scores: Scores) -> None:
    task = Detection(("a", "b"), scores=scores)
    raw = outputs(torch.randn(1, 4, 4), torch.randn(1, 4, 3))
    kept = task.keep(raw)
    assert kept.shape == (1, 4, 7)
    np.testing.assert_array_equal(task.keep(kept), kept)
    with pytest.raises(DataError, match="do not fit 2 classes"):
        task.keep(torch.zeros(1, 4, 9))


def test_a_detector_has_no_teacher_so_far() -> None:
    with pytest.raises(UsageError, match="leave --teacher out"):
        Detection(("a",)).distill_loss(torch.zeros(1), torch.zeros(1), temperature=1.0)
    with pytest.raises(DataError, match="at least one class"):
        Detection(())
