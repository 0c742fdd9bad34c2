"""The task that a data set is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from edgesmith.core.errors import DataError, UsageError
from edgesmith.data.samples import Sample
from edgesmith.tasks import table as tasks
from edgesmith.tasks.base import LossOptions
from edgesmith.tasks.classification import Classification


@dataclass(frozen=True)
class Set:
    """Three pictures of a, one of b."""

    task: str = "classification"
    classes: tuple[str, ...] = ("a", "b")
    splits: Mapping[str, Sequence[Sample]] = field(
        default_factory=lambda: {"train": [Sample(f"{i}.jpg", int(i == 3)) for i in range(4)]}
    )


def test_a_classification_set_gives_its_classes_and_chance() -> None:
    task = tasks.of(Set())
    assert isinstance(task, Classification)
    assert (task.name, task.class_names, task.score_name) == ("classification", ("a", "b"), "top1")
    assert task.class_weights is None


def test_class_weights_are_those_of_train() -> None:
    task = tasks.of(Set(), options=LossOptions(label_smoothing=0.1, class_weights=True))
    assert isinstance(task, Classification)
    assert task.label_smoothing == 0.1
    assert task.class_weights is not None
    assert task.class_weights.tolist() == pytest.approx([4 / 6, 4 / 2])


def test_a_class_without_a_picture_cannot_be_weighed() -> None:
    with pytest.raises(DataError, match="class 2 has no training picture"):
        tasks.of(Set(classes=("a", "b", "c")), options=LossOptions(class_weights=True))


def test_an_unknown_task_is_named_with_the_closest() -> None:
    with pytest.raises(UsageError, match="unknown task 'clasification'; did you mean 'classification'"):
        tasks.of(Set(task="clasification"))
