"""Pictures to boxes through a model file; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from PIL import Image

from edgesmith.core.errors import DeviceError
from edgesmith.core.files import atomic_file
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.colours import draw_boxes
from edgesmith.data.samples import Problem
from edgesmith.deploy.file_model import FileModel
from edgesmith.deploy.picture_files import each_picture, free_stem
from edgesmith.tasks.boxes import BoxRule, FoundBoxes, find_boxes

SHOWN_SCORE: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class ScoredBox:
    """One object.

    Attributes:
        name: Of its class.
        index: Of its class.
        score: 0..1.
        left: Of its sides, in pixels of the picture.
        top: In pixels.
        right: In pixels.
        bottom: In pixels.
        category_id: What the training set calls the class by number, where it is one of COCO.
    """

    name: str
    index: int
    score: float
    left: float
    top: float
    right: float
    bottom: float
    category_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class BoxPrediction:
    """What was found in one picture, the surest first; nothing is an answer too.

    Attributes:
        image: The picture.
        boxes: Its objects.
        overlay: PNG of the picture with the boxes drawn.
    """

    image: str
    boxes: tuple[ScoredBox, ...]
    overlay: Path


@dataclass(frozen=True, kw_only=True)
class BoxPredictions:
    """Answers in the order of the pictures, and the pictures that could not be read."""

    pictures: tuple[BoxPrediction, ...]
    problems: tuple[Problem, ...]


class BoxPredictor(FileModel):
    """A detector's file, whose preprocessing reads whole pictures: see `FileModel`."""

    def find(self, image: Image.Image, rule: BoxRule) -> FoundBoxes:
        """The boxes of an RGB picture of any size, as shares of it.

        Raises:
            DeviceError: The file answers in another form than ``(N, boxes, 4 + 1 + classes)``.
        """
        crop = self.preprocessing.crop(image)[None]
        answers = self.answers(crop)
        if answers.ndim != 3 or answers.shape[2] != 5 + len(self.classes):
            raise DeviceError(f"the file answers with shape {answers.shape} for {len(self.classes)} class names")
        return find_boxes(answers[0], rule)


def predict_boxes(
    predictor: BoxPredictor,
    paths: Sequence[Path],
    *,
    out: Path,
    least_score: float = SHOWN_SCORE,
    category_ids: Sequence[int] = (),
    bad_pictures: Literal["error", "skip"] = "error",
    progress: Progress = SILENT,
) -> BoxPredictions:
    """Find the objects in picture files, and in all pictures in folders and archives.

    Args:
        predictor: What finds them.
        paths: Pictures, folders, archives.
        out: Takes ``NAME_overlay.png`` for each picture.
        least_score: Boxes below are left out.
        category_ids: What the training set calls each class by number, as the bundle's manifest has it.
        bad_pictures: ``error`` stops at the first picture that cannot be read; ``skip`` lists it as a problem.
        progress: Told of each picture.

    Raises:
        DataError: Nothing is there, there are no pictures, or one cannot be read; the message names it.
        RunError: The folder cannot be written.
    """
    pictures: list[BoxPrediction] = []
    problems: list[Problem] = []
    taken: set[str] = set()
    rule = BoxRule(least_score=least_score)
    for name, image in each_picture(
        paths, predictor.preprocessing, bad_pictures=bad_pictures, problems=problems, progress=progress
    ):
        boxes = predictor.find(image, rule)
        path = out / f"{free_stem(Path(name).stem, taken)}_overlay.png"
        with atomic_file(path) as temporary:
            draw_found(image, boxes, predictor.classes).save(temporary, "PNG")
        named = _named(boxes, predictor.classes, category_ids, image)
        pictures.append(BoxPrediction(image=name, boxes=named, overlay=path))
    return BoxPredictions(pictures=tuple(pictures), problems=tuple(problems))


def _named(
    found: FoundBoxes, classes: Sequence[str], category_ids: Sequence[int], image: Image.Image
) -> tuple[ScoredBox, ...]:
    scale = (image.width, image.height, image.width, image.height)
    rows = zip(found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True)
    return tuple(
        ScoredBox(
            name=classes[index],
            index=index,
            score=score,
            category_id=category_ids[index] if category_ids else None,
            **dict(
                zip(
                    ("left", "top", "right", "bottom"),
                    (round(share * side, 2) for share, side in zip(corners, scale, strict=True)),
                    strict=True,
                )
            ),
        )
        for corners, index, score in rows
    )


def draw_found(image: Image.Image, found: FoundBoxes, classes: Sequence[str]) -> Image.Image:
    """The picture with its boxes, their classes and scores."""
    rows = zip(found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True)
    return draw_boxes(
        image,
        [(tuple(corners), index, f"{classes[index]} {score:.0%}") for corners, index, score in rows],
        len(classes),
    )
