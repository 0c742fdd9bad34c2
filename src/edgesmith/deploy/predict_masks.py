"""Pictures to masks and overlays through a model file; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesmith.core.errors import DeviceError
from edgesmith.core.files import atomic_file
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.colours import as_palette_png, lay_over
from edgesmith.data.masks import Mask
from edgesmith.data.samples import Problem
from edgesmith.deploy.file_model import FileModel
from edgesmith.deploy.picture_files import each_picture, free_stem


@dataclass(frozen=True, kw_only=True)
class MaskPrediction:
    """What one picture shows, place by place.

    Attributes:
        image: The picture.
        mask: PNG of class indices, of the picture's own size; its palette shows the classes.
        overlay: PNG of the picture under the mask's colours.
        shares: Of the pixels, by class, the largest first; classes without a pixel are left out.
    """

    image: str
    mask: Path
    overlay: Path
    shares: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class MaskPredictions:
    """Answers in the order of the pictures, and the pictures that could not be read."""

    pictures: tuple[MaskPrediction, ...]
    problems: tuple[Problem, ...]


class MaskPredictor(FileModel):
    """A segmenter's file, whose preprocessing reads whole pictures: see `FileModel`."""

    def mask(self, image: Image.Image, *, size: tuple[int, int] | None = None) -> Mask:
        """Class indices ``(height, width)`` of an RGB picture of any size.

        Args:
            image: The picture.
            size: Height and width of the mask; the picture's own by default.

        Raises:
            DeviceError: The file answers in another form than ``(N, classes, H, W)``.
        """
        crop = self.preprocessing.crop(image)[None]
        logits = self.answers(crop)
        if logits.ndim != 4 or logits.shape[1] != len(self.classes):
            raise DeviceError(f"the file answers with shape {logits.shape} for {len(self.classes)} class names")
        return best_classes(logits[0], *(size or (image.height, image.width)))


def best_classes(logits: NDArray[np.float32], height: int, width: int) -> Mask:
    """The likeliest class of each pixel, of logits ``(classes, h, w)`` that are first resized bilinearly."""
    if logits.shape[1:] != (height, width):
        resized = [Image.fromarray(each).resize((width, height), Image.Resampling.BILINEAR) for each in logits]
        logits = np.stack([np.asarray(each) for each in resized])
    return np.asarray(logits.argmax(axis=0), dtype=np.uint8)


def predict_masks(
    predictor: MaskPredictor,
    paths: Sequence[Path],
    *,
    out: Path,
    bad_pictures: Literal["error", "skip"] = "error",
    progress: Progress = SILENT,
) -> MaskPredictions:
    """Segment picture files, and all pictures in folders and archives.

    Args:
        predictor: What segments.
        paths: Pictures, folders, archives.
        out: Takes ``NAME_mask.png`` and ``NAME_overlay.png`` for each picture.
        bad_pictures: ``error`` stops at the first picture that cannot be read; ``skip`` lists it as a problem.
        progress: Told of each picture.

    Raises:
        DataError: Nothing is there, there are no pictures, or one cannot be read; the message names it.
        RunError: The folder cannot be written.
    """
    pictures: list[MaskPrediction] = []
    problems: list[Problem] = []
    taken: set[str] = set()
    count = len(predictor.classes)
    for name, image in each_picture(
        paths, predictor.preprocessing, bad_pictures=bad_pictures, problems=problems, progress=progress
    ):
        mask = predictor.mask(image)
        stem = free_stem(Path(name).stem, taken)
        mask_path, overlay_path = out / f"{stem}_mask.png", out / f"{stem}_overlay.png"
        _save(as_palette_png(mask, count), mask_path)
        _save(lay_over(image, mask, count), overlay_path)
        shares = _shares(mask, predictor.classes)
        pictures.append(MaskPrediction(image=name, mask=mask_path, overlay=overlay_path, shares=shares))
    return MaskPredictions(pictures=tuple(pictures), problems=tuple(problems))


def _shares(mask: Mask, classes: Sequence[str]) -> dict[str, float]:
    counts = np.bincount(mask.reshape(-1), minlength=len(classes))
    order = np.argsort(-counts, kind="stable")
    return {classes[index]: float(counts[index] / mask.size) for index in order if counts[index]}


def _save(image: Image.Image, path: Path) -> None:
    with atomic_file(path) as temporary:
        image.save(temporary, "PNG")
