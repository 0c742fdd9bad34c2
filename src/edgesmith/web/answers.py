"""A picture put to a bundle's file: classes, boxes or a mask, drawn; nothing is written."""

from __future__ import annotations

import io
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from PIL import Image

from edgesmith.data.colours import class_colours, draw_boxes, lay_over
from edgesmith.data.pictures import decode
from edgesmith.deploy.bundle import MANIFEST_NAME, Bundle, open_bundle
from edgesmith.deploy.file_model import FileModel
from edgesmith.deploy.manifest import FileRecord
from edgesmith.deploy.predict import Predictor
from edgesmith.deploy.predict_boxes import SHOWN_SCORE, BoxPredictor
from edgesmith.deploy.predict_masks import MaskPredictor
from edgesmith.runtimes.table import runtime_for
from edgesmith.tasks.boxes import BoxRule

_TOP: Final = 5
_SHOWN_PIXELS: Final = 1280
_KEPT: Final = 2


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One line of an answer: a class with its score or share, and its colour where it is drawn in one."""

    name: str
    share: float
    colour: str | None = None
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a file sees in a picture.

    Attributes:
        jpeg: The picture as it was read, upright, with boxes or mask, made small for a page.
        lines: The surest first.
        words: What the shares of the lines are.
    """

    jpeg: bytes
    lines: tuple[Seen, ...]
    words: str
    width: int
    height: int


class Answerer:
    """Keeps the files that were asked last open; one picture at a time, since large ones take much memory."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, str, float], FileModel] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, bundle: Bundle, record: FileRecord, content: bytes) -> Answer:
        """Decode a picture and put it to a file of a bundle.

        Raises:
            DataError: The bytes are no picture that can be read.
            RunError: A file of the bundle was changed.
            DeviceError: The runtime cannot load the file.
        """
        with self._lock:
            rule = bundle.manifest.preprocessing
            image = decode(content, name="the picture", apply_orientation=rule.apply_orientation)
            return _ANSWERS[bundle.manifest.task](self._load(bundle, record), image)

    def _load(self, bundle: Bundle, record: FileRecord) -> FileModel:
        changed = (bundle.folder / MANIFEST_NAME).stat().st_mtime
        key = (str(bundle.folder), record.path, changed)
        model = self._open.get(key)
        if model is None:
            kind = _MODELS[bundle.manifest.task]
            runtime = runtime_for(bundle.path(record).suffix)
            verified = open_bundle(bundle.folder)
            loaded = runtime.load(verified.path(record), threads=1)
            manifest = verified.manifest
            model = kind(loaded, preprocessing=manifest.preprocessing, classes=manifest.classes)
            self._open[key] = model
            while len(self._open) > _KEPT:
                self._open.popitem(last=False)
        self._open.move_to_end(key)
        return model


def _classes(model: FileModel, image: Image.Image) -> Answer:
    assert isinstance(model, Predictor), "a classifier's file"
    scores = model.scores([image])[0]
    best = np.argsort(-scores, kind="stable")[:_TOP]
    lines = [Seen(name=model.classes[index], share=float(scores[index])) for index in best]
    return _shown(image, image, lines, "score")


def _boxes(model: FileModel, image: Image.Image) -> Answer:
    assert isinstance(model, BoxPredictor), "a detector's file"
    found = model.find(image, BoxRule(least_score=SHOWN_SCORE))
    rows = list(zip(found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True))
    small = _shrunk(image)
    drawn = draw_boxes(
        small,
        [(tuple(corners), index, f"{model.classes[index]} {score:.0%}") for corners, index, score in rows],
        len(model.classes),
    )
    counts = Counter(index for _, index, _ in rows)
    surest = {index: max(score for _, each, score in rows if each == index) for index in counts}
    lines = [
        Seen(name=model.classes[index], share=surest[index], colour=_colour(index, model.classes), count=number)
        for index, number in counts.most_common()
    ]
    return _shown(image, drawn, lines, f"score of the surest box, of those from {SHOWN_SCORE:g}")


def _mask(model: FileModel, image: Image.Image) -> Answer:
    assert isinstance(model, MaskPredictor), "a segmenter's file"
    small = _shrunk(image)
    mask = model.mask(image, size=(small.height, small.width))
    counts = np.bincount(mask.reshape(-1), minlength=len(model.classes))
    lines = [
        Seen(
            name=model.classes[index], share=float(counts[index] / mask.size), colour=_colour(int(index), model.classes)
        )
        for index in np.argsort(-counts, kind="stable")
        if counts[index]
    ]
    return _shown(image, lay_over(small, mask, len(model.classes)), lines, "share of the picture")


def _shown(image: Image.Image, drawn: Image.Image, lines: Sequence[Seen], words: str) -> Answer:
    stream = io.BytesIO()
    _shrunk(drawn).save(stream, "JPEG", quality=88)
    return Answer(jpeg=stream.getvalue(), lines=tuple(lines), words=words, width=image.width, height=image.height)


def _shrunk(image: Image.Image) -> Image.Image:
    """At most so many pixels a side as a page shows; a copy, or the picture itself where it is small."""
    if max(image.size) <= _SHOWN_PIXELS:
        return image
    small = image.copy()
    small.thumbnail((_SHOWN_PIXELS, _SHOWN_PIXELS))
    return small


def _colour(index: int, classes: Sequence[str]) -> str:
    red, green, blue = (int(value) for value in class_colours(len(classes))[index])
    return f"#{red:02x}{green:02x}{blue:02x}"


_MODELS: Final[Mapping[str, Any]] = MappingProxyType(
    {"classification": Predictor, "detection": BoxPredictor, "segmentation": MaskPredictor}
)
_ANSWERS: Final[Mapping[str, Callable[[FileModel, Image.Image], Answer]]] = MappingProxyType(
    {"classification": _classes, "detection": _boxes, "segmentation": _mask}
)
