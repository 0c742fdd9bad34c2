"""Boxes are chosen as torchvision chooses them, and none is a fine answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import nms

from edgesmith.tasks.boxes import BoxRule, find_boxes, suppress


def random_boxes(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    corners = random.random((count, 2, 2)).astype(np.float32)
    corners.sort(axis=1)
    return corners.reshape(count, 4)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("iou", [0.1, 0.5, 0.9])
def test_suppression_is_torchvisions(seed: int, iou: float) -> None:
    boxes = random_boxes(200, seed)
    scores = torch.linspace(1, 0, 200)
    assert suppress(boxes, iou).tolist() == nms(torch.from_numpy(boxes), scores, iou).tolist()


def answers(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    background = np.zeros((len(boxes), 1), dtype=np.float32)
    return np.concatenate([boxes, background, scores.astype(np.float32)], axis=1)


def test_case_b6_no_box_above_the_threshold_is_an_answer_of_no_rows() -> None:
    for given in (answers(random_boxes(9, 0), np.zeros((9, 3))), answers(random_boxes(0, 0), np.zeros((0, 3)))):
        found = find_boxes(given, BoxRule())
        assert (found.boxes.shape, found.classes.shape, found.scores.shape) == ((0, 4), (0,), (0,))
        kinds = [str(array.dtype) for array in (found.boxes, found.classes, found.scores)]
        assert kinds == ["float32", "int64", "float32"]


def test_case_b6_boxes_without_an_area_are_no_fault() -> None:
    flat = np.array([[0.2, 0.2, 0.2, 0.2], [0.2, 0.2, 0.2, 0.2], [0.1, 0.1, 0.5, 0.5]], dtype=np.float32)
    found = find_boxes(answers(flat, np.array([[0.9], [0.8], [0.7]])), BoxRule())
    assert len(found) == 3
    assert np.isfinite(found.boxes).all()


def test_classes_do_not_suppress_each_other_and_the_best_stand_first() -> None:
    box = np.array([[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.51]], dtype=np.float32)
    found = find_boxes(answers(box, np.array([[0.6, 0.1], [0.5, 0.9]])), BoxRule())
    assert found.classes.tolist() == [1, 0]
    assert found.scores.tolist() == pytest.approx([0.9, 0.6])
    assert len(found.above(0.7)) == 1
    assert len(find_boxes(answers(random_boxes(50, 1), np.ones((50, 2))), BoxRule(iou=1.0, most=7))) == 7
