"""Opens a set of labelled pictures: its classes, its splits, and what is wrong with its structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from PIL import Image

from edgesmith.core.errors import DataError
from edgesmith.core.table import unknown
from edgesmith.data import split as cuts
from edgesmith.data.box_layout import find_boxed
from edgesmith.data.drawn_boxes import fit_boxes
from edgesmith.data.label_table import read_label_table
from edgesmith.data.layout import (
    TEST,
    TRAIN,
    VAL,
    WHOLE,
    Layout,
    find_label_table,
    find_root,
    read_class_folders,
    without_extra,
)
from edgesmith.data.mask_layout import find_masked, ignoring
from edgesmith.data.masks import Mask, MaskCode, read_mask
from edgesmith.data.pictures import PictureError, decode
from edgesmith.data.samples import Problem, Sample
from edgesmith.data.sources import Source, open_source
from edgesmith.data.wishes import split_wishes

__all__ = ["Dataset", "Problem", "Sample", "load_picture", "open", "read_file"]

VAL_FRACTION: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Labelled pictures by split; nothing is decoded yet.

    Args:
        task: ``classification``, ``detection`` or ``segmentation``.
        source: Where the pictures lie.
        classes: Names in the order of their labels, fixed by the training split where there is one.
        splits: Samples by ``train``, ``val`` and ``test``, as far as they exist, each sorted by name.
        problems: Remarks on the structure; `check` adds those on single pictures.
        notes: One line each for what was decided for the user, such as a split that was made.
        empty_classes: Classes without a picture or a box in train; of masks nobody knows before they are read.
        extra_classes: Classes that only val or test has.
        bad_pictures: ``skip`` leaves pictures that cannot be used out and counts them; ``error`` stops at the first.
        stops_at_empty: Whether a class without a picture in train makes training impossible.
        mask_code: What the values of mask files stand for, in segmentation.
        category_ids: What a set of COCO calls each class by number; empty for others.
    """

    task: str
    source: Source
    classes: tuple[str, ...]
    splits: Mapping[str, tuple[Sample, ...]]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    empty_classes: tuple[str, ...] = ()
    extra_classes: tuple[str, ...] = ()
    bad_pictures: str = "skip"
    stops_at_empty: bool = False
    mask_code: MaskCode | None = None
    category_ids: tuple[int, ...] = ()

    @property
    def num_images(self) -> int:
        """Pictures in all splits, before any is decoded."""
        return sum(len(samples) for samples in self.splits.values())

    def samples(self, split: str) -> tuple[Sample, ...]:
        """The samples of one split; the error lists the splits that exist.

        Raises:
            UsageError: There is no such split.
        """
        if split not in self.splits:
            raise unknown(split, self.splits, what=f"split of {self.source.location}")
        return self.splits[split]

    def evaluation_split(self) -> str:
        """``test`` if there is one, else ``val``: what reported metrics are of.

        Raises:
            DataError: There is neither.
        """
        for split in (TEST, VAL):
            if split in self.splits:
                return split
        raise DataError(f"{self.source.location} has neither a val nor a test split with pictures to evaluate on")

    def hold_out(self, fraction: float, *, seed: int) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
        """Train without a stratified part, and that part: races and early stopping score on it, never on val."""
        return cuts.hold_out(self.samples(TRAIN), fraction, seed=seed)

    def class_counts(self, split: str) -> dict[str, int]:
        """Pictures per class in one split, in label order."""
        return dict(zip(self.classes, cuts.count_labels(self.samples(split), len(self.classes)), strict=True))

    def structural_problems(self) -> tuple[Problem, ...]:
        """What makes training on this set impossible or wrong: no train, one class, empty or extra classes."""
        empty = self.empty_classes if self.stops_at_empty else ()
        found = [_empty_class(name, self.task, severity="error") for name in empty]
        found += [_extra_class(name) for name in self.extra_classes]
        if not self.splits.get(TRAIN):
            found.append(Problem(kind="no_training", file="", detail="there are no training pictures"))
        if self._has_one_class():
            name = self._seen_classes()[0]
            found.append(Problem(kind="one_class", file=name, detail="there is only one class with pictures"))
        return tuple(found)

    def require_trainable(self) -> None:
        """Raise `DataError`, naming the classes, where a network cannot be trained on this set.

        Raises:
            DataError: Nothing to train on, a single class, a class without pictures, or one that train lacks.
        """
        if not self.splits.get(TRAIN):
            raise DataError(
                f"no training pictures in {self.source.location}; put two or more a class under train/CLASS or CLASS"
            )
        if self._has_one_class():
            raise DataError(
                f"{self.source.location} has only one class ({self._seen_classes()[0]!r}); "
                "a classifier needs two or more"
            )
        if self.empty_classes and self.stops_at_empty:
            raise DataError(
                f"nothing in train shows {_class_names(self.empty_classes)} of {self.source.location}; "
                "add pictures, remove the class, or leave #empty_classes=error out"
            )
        if self.extra_classes:
            raise DataError(
                f"{_class_names(self.extra_classes)} in val or test of {self.source.location} but not in train; "
                "add training pictures, remove the class, or pass over it with #extra_classes=ignore behind DATA; "
                f"train has {', '.join(self._trained_classes())}"
            )

    def _has_one_class(self) -> bool:
        return self.task != "detection" and len(self._seen_classes()) == 1

    def _seen_classes(self) -> list[str]:
        return [name for name in self.classes if name not in self.empty_classes]

    def _trained_classes(self) -> list[str]:
        return [name for name in self.classes if name not in (*self.extra_classes, *self.empty_classes)]


def open(path: str | Path, *, seed: int = 0, bad_pictures: str | None = None) -> Dataset:
    """Open a folder, an archive, or a folder that holds one archive.

    Where there are no splits, a fifth of each class becomes val; where there is only train, a fifth of it does. A set
    with one picture a class cannot be cut: all of it is val, for evaluation alone.

    Args:
        path: ``train``, ``val`` (``valid``, ``validation``) and ``test`` with a folder per class, folders per class
            alone, or a ``labels.csv``; for segmentation ``images`` and ``masks`` with a ``classes.json``, Pascal VOC or
            Cityscapes; for detection COCO JSON, Pascal VOC or YOLO's text files. Behind it may stand how it is to be
            read, such as ``#ignore_index=11``: see `edgesmith.data.wishes`.
        seed: Of the cut.
        bad_pictures: ``skip`` or ``error``, for pictures that cannot be used; None takes what stands behind the path.

    Raises:
        DataError: Nothing is there or nothing in it is a labelled picture.
        UsageError: What stands behind the path is unknown, or the set has no masks whose values could be ignored.
    """
    place, wishes = split_wishes(str(path))
    if bad_pictures is not None:
        wishes = replace(wishes, bad_pictures=bad_pictures)
    source = open_source(place)
    root = find_root(source)
    masked = find_masked(source, root)
    if wishes.ignore_index:
        masked = ignoring(masked, wishes.ignore_index, source)
    boxed = None if masked else find_boxed(source, root)
    label_table = None if masked or boxed else find_label_table(source, root)
    if masked is not None:
        task, found = "segmentation", masked.layout
    elif boxed is not None:
        task, found = "detection", boxed
    else:
        task = "classification"
        found = read_label_table(source, label_table) if label_table else read_class_folders(source, root)
    if wishes.extra_classes == "ignore":
        found = without_extra(found)
    splits, notes = _with_val(found, seed=seed)
    kept = () if wishes.empty_classes == "error" else found.empty_classes
    return Dataset(
        task=task,
        source=source,
        classes=found.classes,
        splits={name: splits[name] for name in (TRAIN, VAL, TEST) if splits.get(name)},
        problems=(*found.problems, *(_empty_class(name, task, severity="warning") for name in kept)),
        notes=notes if masked is None else (*masked.notes, *notes),
        empty_classes=found.empty_classes,
        extra_classes=found.extra_classes,
        bad_pictures=wishes.bad_pictures,
        stops_at_empty=wishes.empty_classes == "error",
        mask_code=None if masked is None else masked.code,
        category_ids=found.category_ids,
    )


def load_picture(dataset: Dataset, sample: Sample, *, apply_orientation: bool = True) -> Image.Image:
    """Read and decode one picture as RGB.

    Raises:
        PictureError: It cannot be read or decoded; names the file.
    """
    content = read_file(dataset.source, sample.name)
    return decode(content, name=dataset.source.describe(sample.name), apply_orientation=apply_orientation)


def load_sample(
    dataset: Dataset, sample: Sample, *, apply_orientation: bool = True
) -> tuple[Image.Image, Sample, Mask | None]:
    """One decoded picture with what is known of it: boxes turned as the picture is, and the mask where there are masks.

    Raises:
        PictureError: The picture, its mask or its boxes cannot be read; names the file.
    """
    return read_sample(dataset, sample, read_file(dataset.source, sample.name), apply_orientation=apply_orientation)


def read_sample(
    dataset: Dataset, sample: Sample, content: bytes, *, apply_orientation: bool = True
) -> tuple[Image.Image, Sample, Mask | None]:
    """`load_sample` of a picture whose file has been read.

    Raises:
        PictureError: As `load_sample`.
    """
    name = dataset.source.describe(sample.name)
    if sample.fault:
        raise PictureError(name, kind="bad_annotation", reason=sample.fault)
    image = decode(content, name=name, apply_orientation=apply_orientation)
    sample = fit_boxes(sample, image, content, name=name, is_turned=apply_orientation)
    return image, sample, None if dataset.mask_code is None else load_mask(dataset, sample, image)


def load_mask(dataset: Dataset, sample: Sample, image: Image.Image) -> Mask:
    """Read one picture's mask, ``(height, width)`` of its picture, with `IGNORE` where nothing is known.

    Raises:
        PictureError: It cannot be read, has values that are no class, or another size than its picture.
    """
    assert dataset.mask_code is not None, "a set with masks says what their values are"
    name = dataset.source.describe(sample.mask)
    mask = read_mask(read_file(dataset.source, sample.mask), dataset.mask_code, name=name)
    if mask.shape != (image.height, image.width):
        height, width = mask.shape
        reason = f"the mask has {width}x{height} pixels, its picture {image.width}x{image.height}"
        raise PictureError(name, kind="bad_mask", reason=reason)
    return mask


def read_file(source: Source, name: str) -> bytes:
    """The bytes of one picture's file, with a failure told as `PictureError`.

    Raises:
        PictureError: The file cannot be read.
    """
    try:
        return source.read(name)
    except DataError as error:
        raise PictureError(source.describe(name), kind="unreadable", reason=str(error)) from error


def _with_val(found: Layout, *, seed: int) -> tuple[Mapping[str, tuple[Sample, ...]], tuple[str, ...]]:
    """The splits with canonical names, and what was decided for the user."""
    whole = found.splits.get(WHOLE) or found.splits.get(TRAIN, ())
    if WHOLE not in found.splits and (found.splits.get(VAL) or found.splits.get(TEST)):
        return found.splits, ()
    train, val = cuts.hold_out(whole, VAL_FRACTION, seed=seed)
    if not val and WHOLE in found.splits:
        return {VAL: whole}, ("one picture a class: no split can be made, all are for evaluation",)
    origin = "no splits" if WHOLE in found.splits else "no val or test split"
    note = f"{origin}: {len(val)} of {len(whole)} pictures, a fifth of each class, are held out as val (seed {seed})"
    return {TRAIN: train, VAL: val}, (note,)


def _empty_class(name: str, task: str, *, severity: str) -> Problem:
    what = "no box in train" if task == "detection" else "no training pictures"
    detail = f"class {name!r} has {what}; it keeps its place in the class list and cannot be learned"
    return Problem(kind="empty_class", file=name, detail=detail, severity=severity)


def _extra_class(name: str) -> Problem:
    return Problem(kind="extra_class", file=name, detail=f"class {name!r} is in val or test but not in train")


def _class_names(names: Sequence[str]) -> str:
    return f"class{'es' if len(names) > 1 else ''} {', '.join(repr(name) for name in names)}"
