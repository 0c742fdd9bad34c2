"""A cleaned copy of a set: folders of pictures that can be trained on, and a list of what was left out and why."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from PIL import Image

from edgesmith.core.errors import UsageError
from edgesmith.core.files import atomic_folder, write_json
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.check import CheckReport
from edgesmith.data.coco import COCO_NAME, as_coco
from edgesmith.data.dataset import Dataset, load_mask, load_picture, read_file
from edgesmith.data.mask_layout import CLASS_FILE
from edgesmith.data.masks import IGNORE
from edgesmith.data.samples import Problem, Sample
from edgesmith.data.shards import class_folders

LIST_NAME: Final = "left_out.csv"
_IMAGES, _MASKS = "images", "masks"
# Of a picture that stands in two splits the copy in the first of these stays: scores are then of unseen pictures.
_KEPT_FIRST: Final = ("test", "val", "train")


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """What became of a set.

    Attributes:
        path: The cleaned copy.
        num_kept: Pictures in it.
        left_out: Every file that is not in it, with the reason.
    """

    path: Path
    num_kept: int
    left_out: tuple[Problem, ...]


def fix(dataset: Dataset, report: CheckReport, path: Path, *, progress: Progress = SILENT) -> Fixed:
    """Write the pictures without errors as ``SPLIT/CLASS/NAME``, and ``left_out.csv``.

    Pictures with masks become ``SPLIT/images/NAME`` with ``SPLIT/masks/NAME`` and a ``classes.json``, those with boxes
    ``SPLIT/NAME`` with COCO's JSON of the boxes that can be trained on.

    Left out are files that are no good pictures, pictures of classes that train lacks, copies of a picture in another
    split (the evaluation's stays), and pictures that stand under two classes, because nobody knows which is right.

    Args:
        dataset: The set; it stays as it is.
        report: What `check` found in it.
        path: The new folder.
        progress: Told how far it is.

    Raises:
        UsageError: The folder is there and holds something.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} is there already; --fix writes a new folder")
    reasons, repeated = _reasons(dataset, report), _repeated(dataset)
    with atomic_folder(path) as folder, progress.stage("copying", dataset.num_images, "pictures") as stage:
        places = _Places(dataset)
        written: defaultdict[str, list[tuple[str, Sample]]] = defaultdict(list)
        for split, samples in dataset.splits.items():
            for sample in samples:
                stage.advance()
                if sample.name in reasons or (split, sample.name) in repeated:
                    continue
                place = places.free(split, sample)
                target = folder / place
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(read_file(dataset.source, sample.name))
                if dataset.mask_code is not None:
                    _write_mask(dataset, sample, folder / split / _MASKS / f"{place.stem}.png")
                written[split].append((place.name, sample))
        if dataset.task == "detection":
            for split, pictures in written.items():
                write_json(folder / split / COCO_NAME, as_coco(dataset, pictures))
        if dataset.mask_code is not None:
            write_json(folder / CLASS_FILE, {"names": list(dataset.classes), "ignore_index": IGNORE})
        left_out = (*reasons.values(), *repeated.values())
        with (folder / LIST_NAME).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["file", "kind", "reason"])
            writer.writerows([each.file, each.kind, each.detail] for each in left_out)
    return Fixed(path=path, num_kept=sum(map(len, written.values())), left_out=left_out)


class _Places:
    """Where each picture of a set goes, no two to the same place."""

    def __init__(self, dataset: Dataset) -> None:
        self._task = dataset.task
        self._class_folders = class_folders(dataset.classes)
        self._taken: set[PurePosixPath] = set()

    def free(self, split: str, sample: Sample) -> PurePosixPath:
        """The picture's own name, or one beside it where another picture of that name has been put."""
        place = self._folder(split, sample) / PurePosixPath(sample.name).name
        found, number = place, 1
        while self._key(found) in self._taken:
            number += 1
            found = place.with_name(f"{place.stem}-{number}{place.suffix}")
        self._taken.add(self._key(found))
        return found

    def _folder(self, split: str, sample: Sample) -> PurePosixPath:
        if self._task == "classification":
            return PurePosixPath(split, self._class_folders[sample.label])
        return PurePosixPath(split, _IMAGES) if self._task == "segmentation" else PurePosixPath(split)

    def _key(self, place: PurePosixPath) -> PurePosixPath:
        """A mask has its picture's name but for the ending, so that no two pictures may share that."""
        return place.with_suffix("") if self._task == "segmentation" else place


def _write_mask(dataset: Dataset, sample: Sample, path: Path) -> None:
    """The mask as class indices, whatever its values were in the set."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(load_mask(dataset, sample, load_picture(dataset, sample))).save(path)


def _reasons(dataset: Dataset, report: CheckReport) -> Mapping[str, Problem]:
    """Why each file is left out that is."""
    reasons: dict[str, Problem] = {}
    for problem in report.problems:
        if problem.severity == "error" and problem.file:
            reasons.setdefault(problem.file, problem)
    extra = {place for place, name in enumerate(dataset.classes) if name in dataset.extra_classes}
    split_of, label_of = {}, {}
    for split, samples in dataset.splits.items():
        for sample in samples:
            split_of[sample.name], label_of[sample.name] = split, sample.label
            if sample.label in extra:
                detail = f"class {dataset.classes[sample.label]!r} is not in train"
                reasons.setdefault(sample.name, Problem(kind="extra_class", file=sample.name, detail=detail))
    for pair in report.copies:
        both = (pair.first, pair.other)
        if pair.is_exact and label_of[pair.first] != label_of[pair.other]:
            for file in both:
                detail = f"the same picture stands under two classes: {pair.first} and {pair.other}"
                reasons.setdefault(file, Problem(kind="duplicate", file=file, detail=detail))
        elif split_of[pair.first] != split_of[pair.other] and not any(file in reasons for file in both):
            dropped = max(both, key=lambda file: _KEPT_FIRST.index(split_of[file]))
            other = pair.other if dropped == pair.first else pair.first
            detail = f"{'a copy of' if pair.is_exact else 'looks like'} {other}, which is in {split_of[other]}"
            reasons[dropped] = Problem(kind=pair.kind, file=dropped, detail=detail)
    for name in [name for name in reasons if name not in split_of]:
        del reasons[name]
    return reasons


def _repeated(dataset: Dataset) -> Mapping[tuple[str, str], Problem]:
    """Pictures that several splits list as theirs: the evaluation's stays."""
    kept: dict[str, str] = {}
    repeated: dict[tuple[str, str], Problem] = {}
    for split in sorted(dataset.splits, key=_KEPT_FIRST.index):
        for sample in dataset.splits[split]:
            first = kept.setdefault(sample.name, split)
            if first != split:
                detail = f"listed in {first} and {split}; it stays in {first}"
                repeated[split, sample.name] = Problem(kind="duplicate", file=sample.name, detail=detail)
    return repeated
