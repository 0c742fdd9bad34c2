"""What a run says of its data before it goes on: which pictures, boxes and masks it does without."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from edgesmith.core.progress import Progress
from edgesmith.data.cache import PictureCache
from edgesmith.data.dataset import Dataset
from edgesmith.data.samples import Problem

MOST_OF_A_KIND: Final = 50


def say_of_set(dataset: Dataset, progress: Progress) -> None:
    """How the set is read, and what is wrong with its structure and its labels."""
    for note in dataset.notes:
        progress.note(note)
    _say(dataset.problems, progress, "{file}: {detail}")


def say_left_out(pictures: Iterable[Problem], progress: Progress) -> None:
    """Which pictures are left out; of many that have the same fault, the first ones."""
    _say(pictures, progress, "left out: {file}: {detail}")


def say_kept(pictures: PictureCache, cache_gb: float, progress: Progress) -> None:
    """How many training pictures stay decoded, where not all do."""
    if pictures.num_kept < len(pictures):
        progress.note(
            f"{pictures.num_kept} of {len(pictures)} pictures are kept decoded ({pictures.size_bytes / 1e9:.1f} of "
            f"{cache_gb:g} GB, cache_gb); the others are decoded at each use"
        )


def _say(problems: Iterable[Problem], progress: Progress, form: str) -> None:
    for kind, group in groupby(sorted(problems, key=lambda each: each.kind), key=lambda each: each.kind):
        same = list(group)
        for problem in same[:MOST_OF_A_KIND]:
            progress.note(form.format(file=problem.file, detail=problem.detail))
        if len(same) > MOST_OF_A_KIND:
            progress.note(f"and {len(same) - MOST_OF_A_KIND} more ({kind}); edgesmith check lists them all")
