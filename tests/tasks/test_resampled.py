"""The score on drawn pictures, which every metric gives: what paired intervals are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgesmith.data.samples import Box
from edgesmith.tasks.base import Metric
from edgesmith.tasks.classification import Classification
from edgesmith.tasks.detection import Detection
from edgesmith.tasks.segmentation import Segmentation


def classes() -> tuple[Metric, str]:
    metric = Classification(("a", "b")).metric()
    metric.update(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), np.array([0, 1, 1]))
    return metric, "top1"


def masks() -> tuple[Metric, str]:
    metric = Segmentation(("a", "b")).metric()
    truth = np.array([[0, 0], [1, 1]], dtype=np.uint8)
    right = np.stack([truth == 0, truth == 1]).astype(np.float32)
    metric.update(np.stack([right, right, right[::-1]]), [truth, truth, truth])
    return metric, "miou"


def boxes() -> tuple[Metric, str]:
    metric = Detection(("a",)).metric()
    corners = (0.1, 0.1, 0.5, 0.5)
    box = Box(label=0, left=corners[0], top=corners[1], right=corners[2], bottom=corners[3])
    right, wrong = ([[*place, 0.0, 0.9]] for place in (corners, (0.6, 0.6, 0.9, 0.9)))
    metric.update(np.array([right, right, wrong], dtype=np.float32), [(box,), (box,), (box,)])
    return metric, "map"


@pytest.mark.parametrize("make", [classes, masks, boxes])
def test_every_picture_once_gives_the_tasks_figure(make: Any) -> None:
    metric, key = make()
    (figure,) = metric.resampled(np.arange(3)[None])
    assert figure == pytest.approx(metric.compute()[key])


@pytest.mark.parametrize("make", [classes, masks, boxes])
def test_a_draw_counts_the_pictures_that_it_holds(make: Any) -> None:
    """Two pictures are answered rightly, the third wholly wrongly."""
    metric, _ = make()
    right, wrong, again = metric.resampled(np.array([[0, 1, 1], [2, 2, 2], [1, 0, 0]]))
    assert (right, again) == pytest.approx((1.0, 1.0))
    assert wrong == pytest.approx(0.0)
