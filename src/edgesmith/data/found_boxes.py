"""Samples with boxes and remarks on them, as the readers of layouts find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO
from typing import Final

from PIL import Image

from edgesmith.core.errors import DataError
from edgesmith.data.drawn_boxes import Drawn, clean_boxes, remark
from edgesmith.data.layout import TRAIN, WHOLE, Layout
from edgesmith.data.pictures import quiet
from edgesmith.data.samples import Problem, Sample
from edgesmith.data.sources import Source

_TURNED: Final = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height


class Found:
    """Samples and remarks as they are read."""

    def __init__(self) -> None:
        self.splits: defaultdict[str, list[Sample]] = defaultdict(list)
        self.problems: list[Problem] = []
        self._listed: set[tuple[str, str]] = set()

    def add(self, split: str, name: str, drawn: Sequence[Drawn], size: tuple[float, float] | None) -> None:
        """One picture with its boxes, in pixels of ``size``; None where the picture has none that could be read."""
        if self._is_repeated(split, name):
            return
        if size is None:  # decoding says what is wrong with it
            self.splits[split].append(Sample(name))
            return
        boxes, problems = clean_boxes(drawn, size=size, file=name)
        whole = (round(size[0]), round(size[1]))
        self.splits[split].append(Sample(name, boxes=boxes, size=whole if min(whole) > 1 else None))
        self.problems += problems

    def faulty(self, split: str, name: str, fault: str) -> None:
        """One picture of whose boxes nothing is known."""
        if not self._is_repeated(split, name):
            self.splits[split].append(Sample(name, fault=fault))

    def missing(self, file: str, detail: str) -> None:
        """A file that should be there."""
        self.problems.append(Problem(kind="missing", file=file, detail=f"{detail}; passed over"))

    def remark(self, file: str, detail: str) -> None:
        """A box that is left out."""
        self.problems.append(remark(file, f"{detail}; left out"))

    def repeated(self, file: str, detail: str) -> None:
        """Something that is listed twice."""
        self.problems.append(Problem(kind="duplicate", file=file, detail=detail, severity="warning"))

    def layout(self, classes: tuple[str, ...], category_ids: tuple[int, ...] = ()) -> Layout:
        """The set; a class without a box in train is an empty one.

        Raises:
            DataError: Annotations lie both inside and outside the splits.
        """
        if WHOLE in self.splits and len(self.splits) > 1:
            raise DataError("there are annotations both inside and outside train, val and test")
        first = TRAIN if TRAIN in self.splits else next(iter(self.splits), WHOLE)
        used = {box.label for sample in self.splits.get(first, ()) for box in sample.boxes if not box.crowd}
        splits = {split: tuple(sorted(found, key=lambda each: each.name)) for split, found in self.splits.items()}
        return Layout(
            classes=classes,
            splits=splits,
            empty_classes=tuple(name for label, name in enumerate(classes) if label not in used),
            problems=tuple(self.problems),
            category_ids=category_ids,
        )

    def _is_repeated(self, split: str, name: str) -> bool:
        if (split, name) not in self._listed:
            self._listed.add((split, name))
            return False
        self.repeated(name, f"listed a second time in {split or 'the set'}; the first list of its boxes counts")
        return True


def stated_size(size: tuple[float, float], source: Source, name: str) -> tuple[float, float] | None:
    """The size that a set states, or the upright picture's own where it states none; None where it cannot be read."""
    return size if all(side > 0 for side in size) else size_in_file(source, name)  # NaN is not


def size_in_file(source: Source, name: str) -> tuple[float, float] | None:
    """Width and height of the upright picture, from its header; None where it cannot be read."""
    try:
        with quiet(), Image.open(BytesIO(source.read(name))) as image:
            turned = image.getexif().get(0x0112) in _TURNED
            width, height = image.size[::-1] if turned else image.size
    except Exception:  # Pillow's plugins raise whatever a malformed header leads them to; decoding says what it is
        return None
    return float(width), float(height)
