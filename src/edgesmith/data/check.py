"""What is wrong with the pictures and labels of a set, found before any training."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.dataset import Dataset, Problem, Sample, read_file
from edgesmith.data.layout import TRAIN
from edgesmith.data.pictures import PictureError, decode

TINY_SIDE: Final = 8
UNBALANCED_RATIO: Final = 10

_CHUNK: Final = 256


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """The whole answer.

    Args:
        ok: No problem has the severity ``error``: training would neither stop nor learn from something false.
        problems: Of the structure first, then of single files in the order of splits and names.
        classes: Pictures that decode, per class, over all splits.
        num_images: Pictures that decode.
    """

    ok: bool
    problems: tuple[Problem, ...]
    classes: dict[str, int]
    num_images: int


@dataclass(frozen=True)
class _Seen:
    split: str
    sample: Sample
    digest: str
    problem: Problem | None

    @property
    def is_good(self) -> bool:
        return self.problem is None or self.problem.severity == "warning"


def check(dataset: Dataset, *, progress: Progress = SILENT, num_threads: int = 2) -> CheckReport:
    """Decode every picture and compare the splits.

    Pictures that cannot be decoded count as errors here, whatever the set's policy for training is. The same bytes in
    two splits (or under two classes) are a warning: scores on them say too much.
    """
    seen = _inspect(dataset, progress=progress, num_threads=num_threads)
    counts = dict.fromkeys(dataset.classes, 0)
    for one in seen:
        counts[dataset.classes[one.sample.label]] += one.is_good
    problems = (
        *_structure(dataset),
        *_unbalanced(dataset, seen),
        *(one.problem for one in seen if one.problem),
        *_duplicates(dataset, seen),
    )
    return CheckReport(
        ok=all(problem.severity == "warning" for problem in problems),
        problems=problems,
        classes=counts,
        num_images=sum(counts.values()),
    )


def _structure(dataset: Dataset) -> Iterable[Problem]:
    """A set without train is a set for evaluation; that is no fault."""
    found = dataset.structural_problems()
    return (*(problem for problem in found if problem.kind != "no_training"), *dataset.problems)


def _inspect(dataset: Dataset, *, progress: Progress, num_threads: int) -> list[_Seen]:
    work = [(split, sample) for split, samples in dataset.splits.items() for sample in samples]
    seen: list[_Seen] = []
    with ThreadPoolExecutor(num_threads) as pool, progress.stage("checking pictures", len(work), "pictures") as stage:
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
        width, height = decode(content, name=dataset.source.describe(sample.name)).size
    except PictureError as error:
        return _Seen(split, sample, digest, error.as_problem(sample.name))
    return _Seen(split, sample, digest, _tiny(sample, width, height) if min(width, height) < TINY_SIDE else None)


def _tiny(sample: Sample, width: int, height: int) -> Problem:
    detail = f"only {width}x{height} pixels"
    return Problem(kind="tiny", file=sample.name, detail=detail, severity="warning")


def _unbalanced(dataset: Dataset, seen: Sequence[_Seen]) -> Iterable[Problem]:
    counts = dict.fromkeys(dataset.classes, 0)
    for one in seen:
        if one.split == TRAIN:
            counts[dataset.classes[one.sample.label]] += one.is_good
    largest = max(counts, key=lambda name: counts[name])
    for name, count in counts.items():
        if 0 < count * UNBALANCED_RATIO <= counts[largest]:
            detail = f"class {name!r} has {count} training pictures, {largest!r} has {counts[largest]}"
            yield Problem(kind="unbalanced", file=name, detail=detail, severity="warning")


def _duplicates(dataset: Dataset, seen: Sequence[_Seen]) -> Iterable[Problem]:
    groups: defaultdict[str, list[_Seen]] = defaultdict(list)
    for one in seen:
        if one.is_good:
            groups[one.digest].append(one)
    for group in groups.values():
        first = group[0]
        for other in group[1:]:
            reason = _conflict(dataset, first, other)
            if reason:
                yield Problem(kind="duplicate", file=other.sample.name, detail=reason, severity="warning")


def _conflict(dataset: Dataset, first: _Seen, other: _Seen) -> str:
    reasons = []
    if first.split != other.split:
        reasons.append(f"in {first.split} and {other.split}")
    if first.sample.label != other.sample.label:
        names = dataset.classes
        reasons.append(f"as {names[first.sample.label]!r} and {names[other.sample.label]!r}")
    return f"the same bytes as {first.sample.name}: {', '.join(reasons)}" if reasons else ""
