"""Loss and figures against cases worked by hand and scikit-learn."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from edgesmith.core.errors import DataError
from edgesmith.tasks.classification import Classification, balanced_weights

NAMES = ("cat", "dog", "owl")


def test_figures_equal_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(200, 3)).astype(np.float32), rng.integers(0, 3, 200)
    metric = Classification(NAMES).metric()
    for start in range(0, 200, 64):
        metric.update(logits[start : start + 64], labels[start : start + 64])
    figures = metric.compute()
    predicted = logits.argmax(axis=1)
    precision, recall, f1, count = precision_recall_fscore_support(labels, predicted)
    assert figures["top1"] == pytest.approx((predicted == labels).mean())
    assert figures["confusion"] == confusion_matrix(labels, predicted).tolist()
    for index, row in enumerate(figures["per_class"]):
        assert (row["class"], row["num_images"]) == (NAMES[index], count[index])
        assert [row["precision"], row["recall"], row["f1"]] == pytest.approx(
            [precision[index], recall[index], f1[index]], abs=1e-6
        )
    assert figures["log_loss"] == pytest.approx(log_loss(labels, softmax(logits, axis=1)))
    assert figures["top5"] == 1.0  # there are only three classes
    assert figures["top1_low"] < figures["top1"] < figures["top1_high"]


def test_top5_counts_the_five_likeliest_of_more() -> None:
    logits = np.tile(np.array([6, 5, 4, 3, 2, 1, 0], dtype=np.float32), (7, 1))
    metric = Classification(tuple("abcdefg")).metric()
    metric.update(logits, np.arange(7))
    figures = metric.compute()
    assert (figures["top1"], figures["top5"]) == pytest.approx((1 / 7, 5 / 7))
    assert figures["mean_recall"] == pytest.approx(1 / 7)


def test_a_class_without_pictures_has_no_recall_and_stays_out_of_the_mean() -> None:
    metric = Classification(NAMES).metric()
    metric.update(np.array([[2, 1, 0], [0, 2, 1], [2, 1, 0]], dtype=np.float32), np.array([0, 1, 1]))
    figures = metric.compute()
    assert [row["recall"] for row in figures["per_class"]] == [1.0, 0.5, None]
    assert [row["precision"] for row in figures["per_class"]] == [0.5, 1.0, None]
    assert figures["mean_recall"] == pytest.approx(0.75)


def test_figures_equal_torchmetrics() -> None:
    from torchmetrics.functional.classification import multiclass_accuracy

    rng = np.random.default_rng(2)
    logits, labels = rng.normal(size=(90, 8)).astype(np.float32), rng.integers(0, 8, 90)
    metric = Classification(tuple("abcdefgh")).metric()
    metric.update(logits, labels)
    figures = metric.compute()
    averages: tuple[tuple[str, int, Literal["micro", "macro"]], ...] = (
        ("top1", 1, "micro"),
        ("top5", 5, "micro"),
        ("mean_recall", 1, "macro"),
    )
    for name, top_k, average in averages:
        wanted = multiclass_accuracy(
            torch.from_numpy(logits), torch.from_numpy(labels), num_classes=8, top_k=top_k, average=average
        )
        assert figures[name] == pytest.approx(float(wanted), abs=1e-6)


def test_outputs_of_another_number_of_classes_are_refused() -> None:
    with pytest.raises(DataError, match=r"outputs of shape \(2, 4\) do not fit 3 classes"):
        Classification(NAMES).metric().update(np.zeros((2, 4)), np.zeros(2))


@pytest.mark.slow
def test_the_interval_covers_as_it_says() -> None:
    """Of 60 draws of 300 pictures at 0.8, the 95 % interval holds 0.8 in about 57."""
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(60):
        right = rng.random(300) < 0.8
        metric = Classification(("a", "b")).metric(seed=seed)
        metric.update(np.eye(2, dtype=np.float32)[right.astype(int)], np.ones(300, dtype=np.int64))
        figures = metric.compute()
        held += figures["top1_low"] <= 0.8 <= figures["top1_high"]
    assert 52 <= held <= 60


def test_loss_of_equal_logits_is_chance() -> None:
    for smoothing in (0.0, 0.1):
        task = Classification(NAMES, label_smoothing=smoothing)
        loss = task.loss(torch.zeros(4, 3), torch.tensor([0, 1, 2, 0]))
        assert float(loss) == pytest.approx(task.chance_loss) == pytest.approx(math.log(3))


def test_soft_targets_are_taken() -> None:
    task = Classification(("a", "b"))
    logits = torch.tensor([[2.0, 0.0]])
    mixed = task.loss(logits, torch.tensor([[0.25, 0.75]]))
    parts = [float(task.loss(logits, torch.tensor([label]))) for label in (0, 1)]
    assert float(mixed) == pytest.approx(0.25 * parts[0] + 0.75 * parts[1])


def test_class_weights_give_every_class_the_same_share() -> None:
    weights = balanced_weights([30, 10, 60])
    assert weights == pytest.approx((100 / 90, 100 / 30, 100 / 180))
    assert sum(w * n for w, n in zip(weights, [30, 10, 60], strict=True)) == pytest.approx(100)


def test_one_class_is_no_classification() -> None:
    with pytest.raises(DataError, match="at least two classes"):
        Classification(("only",))


def test_a_teachers_loss_is_the_softened_divergence_by_hand() -> None:
    task, temperature = Classification(("a", "b")), 2.0
    ours, theirs = torch.tensor([[0.0, 0.0]]), torch.tensor([[2 * math.log(3.0), 0.0]])
    # Softened shares: 1/2, 1/2 and 3/4, 1/4; the divergence is 3/4 ln(3/2) + 1/4 ln(1/2).
    wanted = 4 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert float(task.distill_loss(ours, theirs, temperature=temperature)) == pytest.approx(wanted, rel=1e-5)
    assert float(task.distill_loss(theirs, theirs, temperature=temperature)) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 3.0)])
@pytest.mark.parametrize("soft", [False, True])
def test_the_loss_is_torchs_and_parts_of_it_add_up(weights: tuple[float, ...] | None, soft: bool) -> None:
    task = Classification(NAMES, label_smoothing=0.1, class_weights=weights)
    logits, labels = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0, 0])
    targets = torch.nn.functional.one_hot(labels, 3).float() if soft else labels
    wanted = torch.nn.functional.cross_entropy(
        logits, targets, weight=None if weights is None else torch.tensor(weights), label_smoothing=0.1
    )
    torch.testing.assert_close(task.loss(logits, targets), wanted)
    parts = [task.loss_sum(logits[rows], targets[rows]) for rows in (slice(0, 4), slice(4, 5))]
    count = torch.stack([part.count for part in parts]).sum()
    torch.testing.assert_close(torch.stack([part.over(count) for part in parts]).sum(), wanted)
