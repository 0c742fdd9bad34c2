"""Pictures to class scores through a model file; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesmith.core.errors import DataError, DeviceError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.samples import Problem
from edgesmith.deploy.file_model import FileModel
from edgesmith.deploy.picture_files import find_pictures, open_pictures
from edgesmith.tasks.classes import softmax

_BATCH: Final = 8


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """One class of an answer.

    Attributes:
        name: Of the class.
        index: Its place among the logits.
        score: After the softmax, 0..1.
    """

    name: str
    index: int
    score: float


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The best classes of one picture, best first."""

    image: str
    classes: tuple[ClassScore, ...]


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Answers in the order of the pictures, and the pictures that could not be read."""

    pictures: tuple[Prediction, ...]
    problems: tuple[Problem, ...]


class Predictor(FileModel):
    """A classifier's file: see `FileModel`."""

    def scores_of_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores ``(N, classes)`` for pictures ``(N, H, W, 3)`` as `Preprocessing.crop` gives them.

        Raises:
            DataError: The values are not uint8, so they were scaled before.
            DeviceError: The file has another number of classes.
        """
        if crops.dtype != np.uint8:
            raise DataError(f"pictures must be uint8 values 0..255, got {crops.dtype}: they would be scaled twice")
        logits = self.answers(crops).astype(np.float64)
        if logits.shape[1:] != (len(self.classes),):
            raise DeviceError(f"the file answers with shape {logits.shape} for {len(self.classes)} class names")
        return softmax(logits).astype(np.float32)

    def scores(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Scores ``(N, classes)`` for RGB pictures of any size; at least one."""
        return self.scores_of_crops(np.stack([self.preprocessing.crop(image) for image in images]))


def predict_files(
    predictor: Predictor,
    paths: Sequence[Path],
    *,
    top: int = 5,
    bad_pictures: Literal["error", "skip"] = "error",
    progress: Progress = SILENT,
) -> Predictions:
    """Classify picture files, and all pictures in folders and archives.

    Args:
        predictor: What classifies.
        paths: Pictures, folders, archives.
        top: How many classes a picture gets.
        bad_pictures: ``error`` stops at the first picture that cannot be read; ``skip`` lists it as a problem.
        progress: Told of each batch.

    Raises:
        DataError: Nothing is there, there are no pictures, or one cannot be read; the message names it.
    """
    found = find_pictures(paths)
    rule = predictor.preprocessing
    pictures: list[Prediction] = []
    problems: list[Problem] = []
    with progress.stage("predict", len(found), "pictures") as stage:
        for start in range(0, len(found), _BATCH):
            portion = found[start : start + _BATCH]
            opened = open_pictures(
                portion,
                apply_orientation=rule.apply_orientation,
                problems=problems,
                stop=bad_pictures == "error",
            )
            if opened:
                scores = predictor.scores([image for _, image in opened])
                names = [name for name, _ in opened]
                pictures += [_best(*pair, predictor.classes, top=top) for pair in zip(names, scores, strict=True)]
            stage.advance(len(portion))
    return Predictions(pictures=tuple(pictures), problems=tuple(problems))


def _best(name: str, scores: NDArray[np.float32], classes: Sequence[str], *, top: int) -> Prediction:
    order = np.argsort(-scores, kind="stable")[:top]
    best = tuple(ClassScore(name=classes[i], index=int(i), score=float(scores[i])) for i in order)
    return Prediction(image=name, classes=best)
