"""How a classification set lies in its source: where it starts, which splits it has, which file belongs to what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from edgesmith.core.errors import DataError
from edgesmith.data.names import LABEL_TABLE, is_document, is_picture_name
from edgesmith.data.samples import Problem, Sample
from edgesmith.data.sources import Source

TRAIN: Final = "train"
VAL: Final = "val"
TEST: Final = "test"
WHOLE: Final = ""

_SPLIT_FOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {"train": TRAIN, "val": VAL, "valid": VAL, "validation": VAL, "test": TEST}
)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A set as it was found, before any split is made.

    Args:
        classes: In the order of their labels.
        splits: By canonical name; the single key `WHOLE` where the set has no splits.
        empty_classes: Classes that have no picture in train (or in the whole).
        extra_classes: Classes that only val or test has, where there is a train; with class folders they stand last.
        problems: What was passed over or is missing.
        category_ids: What a set of COCO calls each class by number; empty for others.
    """

    classes: tuple[str, ...]
    splits: Mapping[str, tuple[Sample, ...]]
    empty_classes: tuple[str, ...] = ()
    extra_classes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    category_ids: tuple[int, ...] = ()


def find_root(source: Source) -> str:
    """The prefix below which the set lies: ``""``, or the folder that an archive wraps around everything."""
    root = ""
    while True:
        names = [name[len(root) :] for name in source.names() if name.startswith(root)]
        folders = [name[len(root) :] for name in source.folders() if name.startswith(root) and name != root]
        top = [folder for folder in folders if folder and "/" not in folder]
        loose = any("/" not in n and (is_picture_name(n) or n.lower() == LABEL_TABLE) for n in names)
        if len(top) != 1 or loose or split_of(top[0]) or not _is_wrapper(top[0], names, folders):
            return root
        root += top[0] + "/"


def split_of(folder: str) -> str | None:
    """The canonical split that a folder's name stands for."""
    return _SPLIT_FOLDERS.get(folder.lower())


def find_label_table(source: Source, root: str) -> str | None:
    """The set's ``labels.csv``, in any case."""
    return next((n for n in source.names() if n.lower() == (root + LABEL_TABLE).lower()), None)


def read_class_folders(source: Source, root: str) -> Layout:
    """A folder per class, under split folders or alone; deeper folders belong to their class.

    Raises:
        DataError: There is not a single picture.
    """
    found = _Found(source, root)
    if not any(names for folders in found.pictures.values() for names in folders.values()):
        raise _no_pictures(source)
    classes, extra = found.classes()
    labels = {name: label for label, name in enumerate(classes)}
    splits = {
        split: tuple(
            sorted((Sample(name, labels[folder]) for folder, names in folders.items() for name in names), key=_name)
        )
        for split, folders in found.pictures.items()
    }
    first = found.first_split()
    return Layout(
        classes=classes,
        splits=splits,
        empty_classes=tuple(name for name in classes if found.pictures[first].get(name) == []),
        extra_classes=extra,
        problems=(*found.stray, *found.empty_elsewhere(first, classes)),
    )


def without_extra(found: Layout) -> Layout:
    """The set without the classes that train lacks, and without their pictures in val and test."""
    kept = [label for label, name in enumerate(found.classes) if name not in found.extra_classes]
    places = {label: place for place, label in enumerate(kept)}
    problems = list(found.problems)
    for name in found.extra_classes:
        label = found.classes.index(name)
        count = sum(sample.label == label for samples in found.splits.values() for sample in samples)
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        detail = f"class {name!r} is not in train; passed over with {pictures} of val and test"
        problems.append(Problem(kind="extra_class", file=name, detail=detail, severity="warning"))
    splits = {
        split: tuple(replace(each, label=places[each.label]) for each in samples if each.label in places)
        for split, samples in found.splits.items()
    }
    classes = tuple(found.classes[label] for label in kept)
    return replace(found, classes=classes, splits=splits, extra_classes=(), problems=tuple(problems))


class _Found:
    """Pictures by split and class folder; empty class folders are kept, with an empty list."""

    def __init__(self, source: Source, root: str) -> None:
        self.pictures: dict[str, dict[str, list[str]]] = {}
        self.stray: list[Problem] = []
        self._root = root
        self._depth = 1 if any(split_of(f) for f in _children(source.folders(), root)) else 0
        self._folder_of: dict[str, str] = {}
        for folder in source.folders():
            self._add_folder(folder)
        for name in source.names():
            self._add_file(name)

    def classes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All classes, those of train first, and the ones that train lacks."""
        own = sorted(self.pictures[self.first_split()])
        if TRAIN not in self.pictures:
            return tuple(sorted({name for folders in self.pictures.values() for name in folders})), ()
        others = {name for folders in self.pictures.values() for name, files in folders.items() if files}
        extra = sorted(others - set(own))
        return (*own, *extra), tuple(extra)

    def first_split(self) -> str:
        return TRAIN if TRAIN in self.pictures else next(iter(self.pictures))

    def empty_elsewhere(self, first: str, classes: Sequence[str]) -> list[Problem]:
        return [
            Problem(
                kind="empty_class",
                file=f"{self._folder_of[split]}/{name}",
                detail=f"class {name!r} has no picture in {split}; it keeps its place in the class list",
                severity="warning",
            )
            for split, folders in self.pictures.items()
            for name, files in folders.items()
            if split != first and not files and name in classes
        ]

    def _place(self, name: str) -> tuple[str, list[str]] | None:
        """Split, and the parts below it; None outside the set and outside its split folders."""
        if not name.startswith(self._root):
            return None
        parts = name[len(self._root) :].split("/")
        if not self._depth:
            return WHOLE, parts
        split = split_of(parts[0])
        return (split, parts[1:]) if split else None

    def _add_folder(self, folder: str) -> None:
        place = self._place(folder)
        if place is None or folder + "/" == self._root:
            return
        split, parts = place
        if self._depth and not parts and self._folder_of.setdefault(split, folder) != folder:
            raise DataError(f"{self._folder_of[split]!r} and {folder!r} both name the {split} split; keep one")
        self.pictures.setdefault(split, {})
        if len(parts) == 1:
            self.pictures[split].setdefault(parts[0], [])

    def _add_file(self, name: str) -> None:
        place = self._place(name)
        if place and len(place[1]) > 1 and is_picture_name(name):
            self.pictures[place[0]][place[1][0]].append(name)
        elif not is_document(name):
            self.stray.append(stray(name))


def _name(sample: Sample) -> str:
    return sample.name


def stray(name: str) -> Problem:
    """A file that stands where no picture of a class is expected."""
    detail = "a picture without a label" if is_picture_name(name) else "not a picture by its name"
    return Problem(kind="stray", file=name, detail=f"{detail}; passed over", severity="warning")


def _children(folders: Sequence[str], root: str) -> list[str]:
    below = [folder[len(root) :] for folder in folders if folder.startswith(root)]
    return [name for name in below if name and "/" not in name]


def _is_wrapper(folder: str, names: Sequence[str], folders: Sequence[str]) -> bool:
    inside = [name[len(folder) + 1 :] for name in names if name.startswith(folder + "/")]
    if any("/" not in name and is_picture_name(name) for name in inside):
        return any(name.lower() == LABEL_TABLE for name in inside)
    has_folders = any(name.startswith(folder + "/") for name in folders)
    return has_folders or any(name.lower() == LABEL_TABLE for name in inside)


def _no_pictures(source: Source) -> DataError:
    loose = sum(is_picture_name(name) for name in source.names())
    if loose:
        return DataError(
            f"{source.location} holds {loose} pictures, but not in class folders; put them in one folder per class "
            f"(train/CLASS/..., val/CLASS/... or CLASS/...) or list them in a {LABEL_TABLE} (index, name, file)"
        )
    return DataError(
        f"no pictures in {source.location}; looked for .jpg, .png, .webp, .bmp, .gif, .tif and the like in one folder "
        f"per class (train/CLASS/..., val/CLASS/... or CLASS/...) and for a {LABEL_TABLE} (index, name, file)"
    )
