"""Samples with boxes and remarks on them, as the readers of layouts find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from edgesmith.core.errors import DataError
from edgesmith.data.drawn_boxes import Drawn, clean_boxes
from edgesmith.data.layout import TRAIN, WHOLE, Layout
from edgesmith.data.samples import Problem, Sample


class Found:
    """Samples and remarks as they are read."""

    def __init__(self) -> None:
        self.splits: defaultdict[str, list[Sample]] = defaultdict(list)
        self.problems: list[Problem] = []

    def add(self, split: str, name: str, drawn: Sequence[Drawn], size: tuple[float, float]) -> None:
        """One picture with its boxes in pixels."""
        boxes, problems = clean_boxes(drawn, size=size, file=name)
        whole = (round(size[0]), round(size[1]))
        self.splits[split].append(Sample(name, boxes=boxes, size=whole if min(whole) > 1 else None))
        self.problems += problems

    def missing(self, file: str, detail: str) -> None:
        """A file that should be there."""
        self.problems.append(Problem(kind="missing", file=file, detail=f"{detail}; passed over"))

    def layout(self, classes: tuple[str, ...], category_ids: tuple[int, ...] = ()) -> Layout:
        """The set; a class without a box in train is remarked.

        Raises:
            DataError: Annotations lie both inside and outside the splits.
        """
        if WHOLE in self.splits and len(self.splits) > 1:
            raise DataError("there are annotations both inside and outside train, val and test")
        first = TRAIN if TRAIN in self.splits else next(iter(self.splits), WHOLE)
        used = {box.label for sample in self.splits.get(first, ()) for box in sample.boxes}
        for label, name in enumerate(classes):
            if label not in used:
                detail = f"class {name!r} has no box in train; it cannot be learned"
                self.problems.append(Problem(kind="empty_class", file=name, detail=detail, severity="warning"))
        splits = {split: tuple(sorted(found, key=lambda each: each.name)) for split, found in self.splits.items()}
        return Layout(classes=classes, splits=splits, problems=tuple(self.problems), category_ids=category_ids)
