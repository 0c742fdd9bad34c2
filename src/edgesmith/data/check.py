"""What is wrong with the pictures and labels of a set, found before any training."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.threads import share_of_threads
from edgesmith.data.dataset import Dataset, Problem, Sample, read_file, read_sample
from edgesmith.data.label_figures import BoxFigures, PixelFigures, figures_of_boxes, figures_of_pixels
from edgesmith.data.layout import TRAIN
from edgesmith.data.likeness import BITS, Looks, look_at, near_pairs
from edgesmith.data.masks import Mask
from edgesmith.data.pictures import PictureError
from edgesmith.data.samples import Box

TINY_SIDE: Final = 8
UNBALANCED_RATIO: Final = 10

_CHUNK: Final = 256


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Pixels of the pictures that decode: the smallest, the median and the largest side of each kind."""

    widths: tuple[int, int, int]
    heights: tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Two files with the same picture, in two splits or under two classes.

    Args:
        first: The one that comes first in the order of splits and names.
        other: The one that comes later.
        differing: Of 128 bits of what they look like; None where the bytes are the same.
        where: In which splits and under which classes, in words.
    """

    first: str
    other: str
    differing: int | None
    where: str

    @property
    def is_exact(self) -> bool:
        """Whether the bytes are the same."""
        return self.differing is None

    @property
    def kind(self) -> str:
        """Of the problem that it is."""
        return "duplicate" if self.is_exact else "near_duplicate"

    def as_problem(self) -> Problem:
        """The remark on the later one."""
        likeness = "the same bytes as" if self.is_exact else f"{self.differing} of {BITS} bits away in looks from"
        return Problem(
            kind=self.kind, file=self.other, detail=f"{likeness} {self.first}: {self.where}", severity="warning"
        )


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """The whole answer.

    Args:
        ok: No problem has the severity ``error``: training would neither stop nor learn from something false.
        problems: Of the structure first, then of single files in the order of splits and names.
        classes: Pictures that decode, per class, over all splits; with boxes or masks, pictures that show the class.
        num_images: Pictures that decode.
        splits: Pictures that decode, per split and class.
        sizes: Of them; None where there are none.
        boxes: Of all boxes in them; None where pictures have no boxes.
        pixels: Of their masks; None where they have none.
        copies: Pictures that stand in two splits or under two classes.
    """

    ok: bool
    problems: tuple[Problem, ...]
    classes: dict[str, int]
    num_images: int
    splits: Mapping[str, Mapping[str, int]]
    sizes: Sizes | None
    boxes: BoxFigures | None
    pixels: PixelFigures | None
    copies: tuple[Copies, ...]


@dataclass(frozen=True)
class _Seen:
    split: str
    sample: Sample
    digest: str
    problem: Problem | None
    size: tuple[int, int] | None = None
    looks: Looks | None = None
    labels: tuple[int, ...] = ()
    boxes: tuple[Box, ...] = ()
    pixels: tuple[int, ...] = ()

    @property
    def is_good(self) -> bool:
        return self.problem is None or self.problem.severity == "warning"


def check(dataset: Dataset, *, progress: Progress = SILENT) -> CheckReport:
    """Decode every picture and compare the splits.

    Pictures that cannot be decoded count as errors here, whatever the set's policy for training is. The same picture
    in two splits or under two classes is a warning, whether its bytes are the same or only its looks: scores on such
    pictures say too much.
    """
    seen = _inspect(dataset, progress=progress)
    good = [one for one in seen if one.is_good]
    splits = {split: dict.fromkeys(dataset.classes, 0) for split in dataset.splits}
    for one in good:
        for label in one.labels:
            splits[one.split][dataset.classes[label]] += 1
    counts = {name: sum(split[name] for split in splits.values()) for name in dataset.classes}
    copies = (*_duplicates(dataset, good), *_near_duplicates(dataset, good))
    problems = (
        *_structure(dataset),
        *(_unseen(splits[TRAIN]) if dataset.mask_code is not None and TRAIN in splits else ()),
        *_unbalanced(splits.get(TRAIN, {})),
        *(one.problem for one in seen if one.problem),
        *_told_once(copies),
    )
    return CheckReport(
        ok=all(problem.severity == "warning" for problem in problems),
        problems=problems,
        classes=counts,
        num_images=len(good),
        splits=splits,
        sizes=_sizes(good),
        boxes=figures_of_boxes([(one.boxes, one.size) for one in good if one.size is not None])
        if dataset.task == "detection"
        else None,
        pixels=figures_of_pixels([one.pixels for one in good], dataset.classes)
        if dataset.mask_code is not None
        else None,
        copies=copies,
    )


def _structure(dataset: Dataset) -> Iterable[Problem]:
    """A set without train is a set for evaluation; that is no fault."""
    found = dataset.structural_problems()
    return (*(problem for problem in found if problem.kind != "no_training"), *dataset.problems)


def _inspect(dataset: Dataset, *, progress: Progress) -> list[_Seen]:
    work = [(split, sample) for split, samples in dataset.splits.items() for sample in samples]
    seen: list[_Seen] = []
    with (
        ThreadPoolExecutor(share_of_threads()) as pool,
        progress.stage("checking pictures", len(work), "pictures") as stage,
    ):
        for start in range(0, len(work), _CHUNK):
            for one in pool.map(lambda item: _look_at(dataset, *item), work[start : start + _CHUNK]):
                seen.append(one)
                stage.advance()
    return seen


def _look_at(dataset: Dataset, split: str, sample: Sample) -> _Seen:
    digest = ""
    try:
        content = read_file(dataset.source, sample.name)
        digest = hashlib.sha256(content).hexdigest()
        picture, upright, mask = read_sample(dataset, sample, content)
    except PictureError as error:
        return _Seen(split, sample, digest, error.as_problem(sample.name))
    problem = _tiny(sample, *picture.size) if min(picture.size) < TINY_SIDE else None
    pixels = () if mask is None else _count(mask, len(dataset.classes))
    if mask is not None and not any(pixels[:-1]):
        problem = Problem(kind="void", file=sample.mask, detail="no pixel has a class", severity="warning")
    labels = _labels(dataset, sample, pixels)
    return _Seen(split, sample, digest, problem, picture.size, look_at(picture), labels, upright.boxes, pixels)


def _count(mask: Mask, num_classes: int) -> tuple[int, ...]:
    """Pixels of each class, and last those of none."""
    counts = np.bincount(mask.reshape(-1), minlength=256)
    return (*counts[:num_classes].tolist(), int(counts[num_classes:].sum()))


def _labels(dataset: Dataset, sample: Sample, pixels: Sequence[int]) -> tuple[int, ...]:
    """Classes that a picture shows: its own, or those of its boxes or its mask."""
    if dataset.mask_code is not None:
        return tuple(label for label, count in enumerate(pixels[:-1]) if count)
    if dataset.task == "detection":
        return tuple(sorted({box.label for box in sample.boxes if not box.crowd}))
    return (sample.label,)


def _unseen(counts: Mapping[str, int]) -> Iterable[Problem]:
    for name, count in counts.items():
        if not count:
            detail = f"class {name!r} is in no training mask; it cannot be learned"
            yield Problem(kind="empty_class", file=name, detail=detail, severity="warning")


def _tiny(sample: Sample, width: int, height: int) -> Problem:
    detail = f"only {width}x{height} pixels"
    return Problem(kind="tiny", file=sample.name, detail=detail, severity="warning")


def _unbalanced(counts: Mapping[str, int]) -> Iterable[Problem]:
    if not counts:
        return
    largest = max(counts, key=lambda name: counts[name])
    for name, count in counts.items():
        if 0 < count * UNBALANCED_RATIO <= counts[largest]:
            detail = f"class {name!r} has {count} training pictures, {largest!r} has {counts[largest]}"
            yield Problem(kind="unbalanced", file=name, detail=detail, severity="warning")


def _sizes(good: Sequence[_Seen]) -> Sizes | None:
    sizes = np.array([one.size for one in good if one.size is not None])
    if not len(sizes):
        return None
    low, middle, high = np.percentile(sizes, (0, 50, 100), axis=0, method="nearest").astype(int).tolist()
    return Sizes(widths=(low[0], middle[0], high[0]), heights=(low[1], middle[1], high[1]))


def _duplicates(dataset: Dataset, good: Sequence[_Seen]) -> Iterable[Copies]:
    """Every picture that conflicts with another of the same bytes, with the first such."""
    groups: defaultdict[str, list[_Seen]] = defaultdict(list)
    for one in good:
        groups[one.digest].append(one)
    for group in groups.values():
        firsts: dict[tuple[str, int], int] = {}
        for place, one in enumerate(group):
            firsts.setdefault((one.split, one.sample.label), place)
        pairs = set()
        for place, one in enumerate(group):
            others = [first for key, first in firsts.items() if key != (one.split, one.sample.label)]
            pairs |= {(min(place, first), max(place, first)) for first in others[:1]}
        for first, other in sorted(pairs, key=lambda pair: pair[::-1]):
            yield _copies(dataset, group[first], group[other], None)


def _near_duplicates(dataset: Dataset, good: Sequence[_Seen]) -> Iterable[Copies]:
    """All pairs whose bytes differ, of each later picture the most alike first."""
    told, looks = [], []
    for one in good:
        if one.looks is not None:
            told.append(one)
            looks.append(one.looks)
    if not told:
        return
    places = {split: place for place, split in enumerate(dataset.splits)}
    group = np.array([places[one.split] * len(dataset.classes) + one.sample.label for one in told])
    pairs = near_pairs(np.stack([each.words for each in looks]), group=group)
    for first, other, differing in pairs[np.lexsort((pairs[:, 0], pairs[:, 2], pairs[:, 1]))].tolist():
        if told[first].digest != told[other].digest and looks[first].alike(looks[other]):
            yield _copies(dataset, told[first], told[other], differing)


def _copies(dataset: Dataset, first: _Seen, other: _Seen, differing: int | None) -> Copies:
    where = _where(dataset, first, other)
    return Copies(first=first.sample.name, other=other.sample.name, differing=differing, where=where)


def _told_once(copies: Iterable[Copies]) -> Iterable[Problem]:
    """A remark for each later picture, on the one before it that it is most like."""
    done: set[str] = set()
    for each in copies:
        if each.other not in done:
            done.add(each.other)
            yield each.as_problem()


def _where(dataset: Dataset, first: _Seen, other: _Seen) -> str:
    """In which splits and under which classes a picture stands twice."""
    reasons = []
    if first.split != other.split:
        reasons.append(f"in {first.split} and {other.split}")
    if first.sample.label != other.sample.label:
        names = dataset.classes
        reasons.append(f"as {names[first.sample.label]!r} and {names[other.sample.label]!r}")
    return ", ".join(reasons)
