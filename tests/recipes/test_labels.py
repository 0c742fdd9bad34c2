"""A set's labels as a model counts its classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.recipes.labels import relabel
from tests.data.box_sets import write_coco
from tests.data.builders import write_pictures


def test_boxes_go_by_the_names_of_their_classes(tmp_path: Path) -> None:
    dataset = datasets.open(write_coco(tmp_path, {"train": 4, "val": 4}))
    assert dataset.classes == ("red", "blue")
    samples = relabel(dataset, "val", ("green", "blue", "red"))
    before = [[box.label for box in sample.boxes] for sample in dataset.samples("val")]
    after = [[box.label for box in sample.boxes] for sample in samples]
    assert after == [[(2, 1)[label] for label in labels] for labels in before]
    assert any(before)
    assert [sample.size for sample in samples] == [(96, 72)] * 4
    with pytest.raises(UsageError, match="'blue'"):
        relabel(dataset, "val", ("red", "green", "white"))


def test_pictures_go_by_the_names_of_their_classes(tmp_path: Path) -> None:
    dataset = datasets.open(write_pictures(tmp_path, {"train/a": 2, "train/b": 2, "val/a": 1, "val/b": 1}))
    assert [sample.label for sample in relabel(dataset, "val", ("c", "b", "a"))] == [2, 1]
    assert relabel(dataset, "val", ("a", "b")) == dataset.samples("val")
