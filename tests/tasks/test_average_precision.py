"""Average precision against pycocotools, which evaluates COCO's own submissions, on the same detections."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edgesmith.data.samples import Box
from edgesmith.tasks.boxes import FoundBoxes
from edgesmith.tasks.detection import Detection

WIDTH, HEIGHT = 640, 480
IDS = (2, 7, 8, 41, 90)  # with gaps, as COCO's own
TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Random pictures.

    Args:
        count: How many there are; every third has no object.
        num_classes: Classes that objects may have; of more than two the last has no object.
        crowds: Share of the objects that are crowds.
        misses: Share of the objects that nothing is found of.
        seed: Of all draws.
    """

    count: int = 24
    num_classes: int = 3
    crowds: float = 0.0
    misses: float = 0.2
    seed: int = 0


CASES = {
    "one class": Pictures(num_classes=1),
    "several classes": Pictures(num_classes=5, count=40),
    "crowds": Pictures(num_classes=2, crowds=0.3, seed=1),
    "crowds of several classes": Pictures(num_classes=4, crowds=0.5, seed=2, count=40),
    "nothing missed": Pictures(misses=0.0, seed=3),
    "all missed": Pictures(misses=1.0, seed=4),
    "one picture": Pictures(count=2, seed=5),
}


def objects_of(pictures: Pictures, random: np.random.Generator) -> list[list[Box]]:
    classes = pictures.num_classes if pictures.num_classes < 3 else pictures.num_classes - 1
    made = []
    for place in range(pictures.count):
        boxes = []
        for _ in range(0 if place % 3 == 2 else int(random.integers(1, 7))):
            left, top = random.uniform(0, 0.7, 2)
            width, height = random.uniform(0.02, 0.3, 2)
            crowd = bool(random.random() < pictures.crowds)
            boxes.append(Box(int(random.integers(classes)), left, top, left + width, top + height, crowd))
        made.append(boxes)
    return made


def answers_of(boxes: Sequence[Box], pictures: Pictures, random: np.random.Generator) -> NDArray[np.float32]:
    """Corners near the objects' and elsewhere, ``(1, A, 5 + classes)``, some with the score of a wrong class."""
    rows = [*random.uniform(0, 0.5, (8, 2)).repeat(2, axis=1)[:, [0, 2, 1, 3]] + np.array([0, 0, 0.2, 0.3])]
    labels = [int(random.integers(pictures.num_classes)) for _ in rows]
    for box in boxes:
        if random.random() < pictures.misses:
            continue
        for _ in range(3):
            spread = random.choice([0.002, 0.02, 0.05])
            rows.append(np.array([box.left, box.top, box.right, box.bottom]) + random.normal(0, spread, 4))
            labels.append(box.label if random.random() < 0.8 else int(random.integers(pictures.num_classes)))
    answers = np.zeros((1, len(rows), 5 + pictures.num_classes), dtype=np.float32)
    for place, (row, label) in enumerate(zip(rows, labels, strict=True)):
        left, top, right, bottom = np.clip(row, 0, 1)
        answers[0, place, :4] = left, top, max(right, left + 0.01), max(bottom, top + 0.01)
        answers[0, place, 5 + label] = random.uniform(0.02, 1)
    return answers


def rectangle(left: float, top: float, right: float, bottom: float) -> list[float]:
    return [left * WIDTH, top * HEIGHT, (right - left) * WIDTH, (bottom - top) * HEIGHT]


def judged_by_coco(
    found: Sequence[FoundBoxes], truth: Sequence[Sequence[Box]], num_classes: int
) -> tuple[NDArray[Any], list[float | None]]:
    """Its mAP, mAP at .50 and at .75, and the average precision of each class."""
    annotations = [
        {
            "image_id": image,
            "category_id": IDS[box.label],
            "bbox": rectangle(box.left, box.top, box.right, box.bottom),
            "area": (box.right - box.left) * WIDTH * (box.bottom - box.top) * HEIGHT,
            "iscrowd": int(box.crowd),
        }
        for image, boxes in enumerate(truth)
        for box in boxes
    ]
    detections = [
        {
            "image_id": image,
            "category_id": IDS[int(label)],
            "bbox": rectangle(*map(float, corners)),
            "score": float(score),
        }
        for image, boxes in enumerate(found)
        for corners, label, score in zip(boxes.boxes, boxes.classes, boxes.scores, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": image, "width": WIDTH, "height": HEIGHT} for image in range(len(truth))],
            "categories": [{"id": IDS[index], "name": str(index)} for index in range(num_classes)],
            "annotations": [{"id": number, **each} for number, each in enumerate(annotations, start=1)],
        }
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(detections), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    precision = judge.eval["precision"][:, :, :, 0, 2]  # all sizes, at most 100 boxes a picture
    by_class = [precision[:, :, index] for index in range(num_classes)]
    return judge.stats[:3], [float(each.mean()) if each.min() > -1 else None for each in by_class]


@pytest.mark.parametrize("name", CASES)
def test_average_precision_is_that_of_pycocotools(name: str) -> None:
    pictures = CASES[name]
    random = np.random.default_rng(pictures.seed)
    task = Detection(tuple("abcde"[: pictures.num_classes]))
    metric = task.metric()
    truth = objects_of(pictures, random)
    found: list[FoundBoxes] = []
    for boxes in truth:
        answers = answers_of(boxes, pictures, random)
        metric.update(answers, [boxes])
        found.extend(task.decode(answers))
    stats, by_class = judged_by_coco(found, truth, pictures.num_classes)
    result = metric.compute()
    assert [result["map"], result["map_50"], result["map_75"]] == pytest.approx(stats.tolist(), abs=TOLERANCE)
    assert [row["ap"] for row in result["per_class"]] == [
        None if wanted is None else pytest.approx(wanted, abs=TOLERANCE) for wanted in by_class
    ]
    if pictures.misses < 1:
        assert 0.05 < result["map"] < 0.95, "a figure at an end would compare nothing"
    assert (pictures.num_classes < 3) == (None not in by_class), "of more than two classes the last has no object"


def test_a_class_of_crowds_alone_has_no_figure() -> None:
    """As in COCO, where it counts in no mean."""
    task = Detection(("a", "b"))
    metric = task.metric()
    truth = [[Box(0, 0.1, 0.1, 0.4, 0.4), Box(1, 0.5, 0.5, 0.9, 0.9, crowd=True)]]
    answers = np.zeros((1, 2, 7), dtype=np.float32)
    answers[0, :, :4] = (0.1, 0.1, 0.4, 0.4), (0.5, 0.5, 0.9, 0.9)
    answers[0, 0, 5] = answers[0, 1, 6] = 0.9
    metric.update(answers, truth)
    stats, by_class = judged_by_coco(task.decode(answers), truth, 2)
    result = metric.compute()
    assert [row["ap"] for row in result["per_class"]] == [pytest.approx(1.0), None]
    assert by_class == [pytest.approx(1.0), None]
    assert result["map"] == pytest.approx(stats[0], abs=TOLERANCE)
