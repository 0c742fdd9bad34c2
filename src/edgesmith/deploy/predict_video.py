"""Frames to a video with answers drawn on them, for every task; no torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from edgesmith.core.errors import DataError
from edgesmith.core.files import atomic_file
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.colours import lay_over
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.predict import Predictor
from edgesmith.deploy.predict_boxes import BoxPredictor, draw_found
from edgesmith.deploy.predict_masks import MaskPredictor
from edgesmith.deploy.video import Frames, VideoWriter
from edgesmith.runtimes.base import Loaded
from edgesmith.tasks.boxes import BoxRule

Annotate = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, kw_only=True)
class VideoPrediction:
    """What became of a video or of a camera's frames.

    Attributes:
        video: The source.
        overlay: The video with the answers drawn.
        num_frames: Frames that were read.
        seconds: From the first frame to the end: reading, answering, drawing and writing.
        frames_per_second: Of those seconds.
        answers_per_second: Of the time that answering and drawing took alone.
    """

    video: str
    overlay: Path
    num_frames: int
    seconds: float
    frames_per_second: float
    answers_per_second: float


def annotator(bundle: Bundle, loaded: Loaded, *, least_score: float = 0.5) -> Annotate:
    """What draws a bundle's answers on a picture.

    Args:
        bundle: Of any task.
        loaded: One of its files, open.
        least_score: Of boxes.
    """
    if bundle.manifest.task == "segmentation":
        masks = MaskPredictor.of(bundle, loaded)
        return lambda image: lay_over(image, masks.mask(image), len(masks.classes))
    if bundle.manifest.task == "detection":
        boxes, rule = BoxPredictor.of(bundle, loaded), BoxRule(least_score=least_score)
        return lambda image: draw_found(image, boxes.find(image, rule), boxes.classes)
    return _named(Predictor.of(bundle, loaded))


def predict_video(
    frames: Frames, annotate: Annotate, path: Path, *, most: int | None = None, progress: Progress = SILENT
) -> VideoPrediction:
    """Draw answers on frames and write them to a video; a camera is read until ``most`` frames, or until Ctrl-C.

    Args:
        frames: A file's or a camera's.
        annotate: As `annotator` gives it.
        path: Of the video, an ``.mp4``.
        most: Frames to read; None for all.
        progress: Told of each frame.

    Raises:
        DataError: There is no frame, or the source is damaged.
        RunError: The folder cannot be written.
    """
    total = most if frames.total is None else min(frames.total, most or frames.total)
    count, answering, started = 0, 0.0, time.perf_counter()
    with atomic_file(path) as temporary, progress.stage("predict", total, "frames") as stage:
        with VideoWriter(temporary, frames.rate) as writer:
            try:
                for image in islice(frames, most):
                    before = time.perf_counter()
                    drawn = annotate(image)
                    answering += time.perf_counter() - before
                    writer.write(drawn)
                    count += 1
                    stage.advance()
            except KeyboardInterrupt:
                progress.note(f"stopped after {count} frames")
        if not count:
            raise DataError(f"{frames.name} gave no frame")
    seconds = time.perf_counter() - started
    return VideoPrediction(
        video=frames.name,
        overlay=path,
        num_frames=count,
        seconds=seconds,
        frames_per_second=count / seconds,
        answers_per_second=count / answering,
    )


def _named(predictor: Predictor) -> Annotate:
    """The best class and its score in the upper left corner."""

    def annotate(image: Image.Image) -> Image.Image:
        scores = predictor.scores([image])[0]
        best = int(scores.argmax())
        drawn = image.copy()
        draw = ImageDraw.Draw(drawn)
        font = ImageFont.load_default(size=max(10, round(min(image.size) / 24)))
        text = f"{predictor.classes[best]} {scores[best]:.0%}"
        draw.rectangle(draw.textbbox((4, 4), text, font=font, anchor="lt"), fill="black")
        draw.text((4, 4), text, fill="white", font=font, anchor="lt")
        return drawn

    return annotate
