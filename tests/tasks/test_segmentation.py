"""Loss and metric of segmentation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torchmetrics.classification import MulticlassJaccardIndex

from edgesmith.core.errors import DataError
from edgesmith.data.masks import IGNORE
from edgesmith.tasks.segmentation import Segmentation, ious, mean_iou

TASK = Segmentation(("a", "b", "c"))


def logits_of(answer: np.ndarray, num_classes: int = 3) -> torch.Tensor:
    return 5 * torch.nn.functional.one_hot(torch.from_numpy(answer).long(), num_classes).permute(0, 3, 1, 2).float()


def test_case_s4_void_alone_costs_nothing_and_moves_nothing() -> None:
    logits = torch.randn(1, 3, 4, 5, requires_grad=True)
    loss = TASK.loss(logits, torch.full((1, 4, 5), IGNORE))
    torch.autograd.backward(loss)
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_case_s4_void_beside_known_pixels_changes_nothing() -> None:
    logits, targets = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    mixed = torch.cat([targets, torch.full((1, 4, 5), IGNORE)])
    alone = TASK.loss(logits, targets)
    assert TASK.loss(torch.cat([logits, torch.randn(1, 3, 4, 5)]), mixed).item() == pytest.approx(
        alone.item(), rel=1e-6
    )
    assert alone.item() == pytest.approx(torch.nn.functional.cross_entropy(logits, targets).item(), rel=1e-6)


def test_coarse_logits_are_resized_to_the_mask() -> None:
    targets = torch.zeros(1, 8, 8, dtype=torch.long)
    assert TASK.loss(torch.zeros(1, 3, 2, 2), targets).item() == pytest.approx(math.log(3), rel=1e-6)
    assert TASK.chance_loss == pytest.approx(math.log(3))


def test_case_s5_void_counts_neither_in_iou_nor_in_accuracy() -> None:
    truth = np.array([[[0, 0, 1], [1, 2, 255]]], dtype=np.uint8)
    answer = np.array([[[0, 1, 1], [1, 1, 0]]], dtype=np.uint8)
    metric = TASK.metric()
    metric.update(logits_of(answer), tuple(truth))
    found = metric.compute()
    assert [row["iou"] for row in found["per_class"]] == [1 / 2, 2 / 4, 0.0]
    assert found["miou"] == pytest.approx((1 / 2 + 2 / 4 + 0) / 3)
    assert found["pixel_accuracy"] == pytest.approx(3 / 5)
    assert [row["num_pixels"] for row in found["per_class"]] == [2, 2, 1]


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_is_torchmetrics(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.choice(np.array([0, 1, 2, 255], dtype=np.uint8), (4, 9, 7))
    answer = random.integers(0, 3, (4, 9, 7), dtype=np.uint8)
    metric = TASK.metric(seed=seed)
    for part in (slice(0, 3), slice(3, 4)):
        metric.update(logits_of(answer[part]).numpy(), tuple(truth[part]))
    oracle = MulticlassJaccardIndex(num_classes=3, ignore_index=IGNORE)
    oracle.update(torch.from_numpy(answer.astype(np.int64)), torch.from_numpy(truth.astype(np.int64)))
    found = metric.compute()
    assert found["miou"] == pytest.approx(oracle.compute().item(), rel=1e-6)
    assert found["miou_low"] <= found["miou"] <= found["miou_high"]


def test_a_class_that_nobody_has_is_left_out_of_the_mean() -> None:
    confusion = np.array([[4, 1, 0], [0, 3, 0], [0, 0, 0]])
    assert ious(confusion) == [4 / 5, 3 / 4, None]
    assert mean_iou(confusion) == pytest.approx((4 / 5 + 3 / 4) / 2)


def test_pictures_are_judged_in_their_own_size() -> None:
    metric = TASK.metric()
    truth = np.repeat(np.array([[0, 1]], dtype=np.uint8), 6, axis=0).repeat(4, axis=1)
    metric.update(logits_of(np.array([[[0, 1], [0, 1]]], dtype=np.uint8)), (truth,))
    assert metric.compute()["miou"] == 1.0


def test_nothing_to_score_is_said() -> None:
    metric = TASK.metric()
    with pytest.raises(DataError, match="no picture to evaluate on"):
        metric.compute()
    metric.update(torch.zeros(1, 3, 2, 2), (np.full((2, 2), IGNORE, dtype=np.uint8),))
    with pytest.raises(DataError, match="no pixel of these pictures has a class"):
        metric.compute()
    with pytest.raises(DataError, match="do not fit 3 classes"):
        metric.update(torch.zeros(1, 4, 2, 2), (np.zeros((2, 2), dtype=np.uint8),))
    with pytest.raises(DataError, match="at least two classes"):
        Segmentation(("one",))


def test_a_student_that_answers_as_its_teacher_costs_nothing() -> None:
    logits = torch.randn(2, 3, 4, 4)
    assert TASK.distill_loss(logits, logits, temperature=2.0).item() == pytest.approx(0, abs=1e-6)
    assert TASK.distill_loss(torch.randn(2, 3, 2, 2), logits, temperature=2.0).item() > 0


def test_what_is_kept_are_the_best_classes() -> None:
    answer = np.array([[[0, 1], [2, 1]]], dtype=np.uint8)
    assert np.array_equal(TASK.keep(logits_of(answer)), answer)
    assert np.array_equal(TASK.decode(logits_of(answer))[0], answer[0])


def test_what_is_judged_does_not_grow_with_the_pictures() -> None:
    metric = TASK.metric()
    for side in (4, 40):
        (judged,) = metric.judge(torch.zeros(1, 3, side, side), [np.zeros((side, side), dtype=np.uint8)])
        assert judged.shape == (3, 3)
        assert judged.tolist() == [[side * side, 0, 0]] * 3
