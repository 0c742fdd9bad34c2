"""How a segmentation set lies in its source: plain folders, Pascal VOC, Cityscapes, shards."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Final

from edgesmith.core.errors import DataError, UsageError
from edgesmith.data.layout import TEST, TRAIN, VAL, WHOLE, Layout, split_of
from edgesmith.data.masks import IGNORE, MaskCode
from edgesmith.data.names import is_picture_name
from edgesmith.data.samples import Problem, Sample
from edgesmith.data.shards import CLASSES_NAME, ShardSource
from edgesmith.data.sources import Source

CLASS_FILE: Final = "classes.json"
_IMAGES: Final = ("images", "imgs", "img")
_MASKS: Final = ("masks", "labels", "annotations", "mask")
_VOC_MASKS: Final = "SegmentationClass"
_VOC_LISTS: Final = "ImageSets/Segmentation"
_CITY_IMAGES: Final = "leftImg8bit"
_CITY_MASKS: Final = "gtFine"
_TRAIN_IDS: Final = "_gtFine_labelTrainIds.png"
_LABEL_IDS: Final = "_gtFine_labelIds.png"

VOC_CLASSES: Final = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
CITY_CLASSES: Final[Mapping[str, int]] = MappingProxyType(  # with their numbers in labelIds files
    {
        "road": 7, "sidewalk": 8, "building": 11, "wall": 12, "fence": 13, "pole": 17, "traffic light": 19,
        "traffic sign": 20, "vegetation": 21, "terrain": 22, "sky": 23, "person": 24, "rider": 25, "car": 26,
        "truck": 27, "bus": 28, "train": 31, "motorcycle": 32, "bicycle": 33,
    }
)  # fmt: skip
_CITY_LABELS: Final = 34


@dataclass(frozen=True, kw_only=True)
class Masked:
    """A segmentation set as it was found.

    Attributes:
        layout: Classes and samples.
        code: What the values of its masks stand for.
        notes: One line each for what was decided for the user.
    """

    layout: Layout
    code: MaskCode
    notes: tuple[str, ...] = ()


def find_masked(source: Source, root: str) -> Masked | None:
    """The set, if it is one with masks; None if it is not.

    Raises:
        DataError: It is one, and its classes or masks are not to be had.
    """
    for read in _READERS:
        found = read(source, root)
        if found is not None:
            return found
    return None


def ignoring(masked: Masked | None, values: tuple[int, ...], source: Source) -> Masked:
    """The set with more values of its masks that count in nothing; classes that had only these values are none.

    Raises:
        DataError: No class is left.
        UsageError: The set has no masks.
    """
    if masked is None:
        raise UsageError(f"{source.location} has no masks, whose values could be ignored; leave --ignore-index out")
    classes = masked.layout.classes
    code, left = masked.code.ignoring(values)
    if not left:
        raise DataError(f"all classes of {source.location} are to be ignored: {', '.join(classes)}")
    kept = tuple(classes[label] for label in left)
    gone = [name for label, name in enumerate(classes) if label not in left]
    note = f"pixels of {', '.join(gone)} count in nothing (ignore_index); {len(kept)} classes are left"
    notes = (*masked.notes, note) if gone else masked.notes
    return Masked(layout=replace(masked.layout, classes=kept), code=code, notes=notes)


def _read_plain(source: Source, root: str) -> Masked | None:
    """``images`` and ``masks`` side by side: within each split, above the splits, or without any."""
    pairs: dict[str, list[Sample]] = {}
    problems: list[Problem] = []
    names, folders = set(source.names()), _folders_below(source, root)
    for image_folder in sorted(folders):
        place = PurePosixPath(image_folder)
        parts = [part.lower() for part in place.parts]
        found = next((part for part in parts if part in _IMAGES), None)
        if found is None:
            continue
        at = parts.index(found)
        mask_folder = next((m for m in _siblings(place, at) if m in folders), None)
        if mask_folder is None:
            continue
        rest = [part for number, part in enumerate(parts) if number != at]
        split = next((s for part in rest if (s := split_of(part))), WHOLE)
        made, missing = _pair(names, root, image_folder, mask_folder)
        if made:
            pairs.setdefault(split, []).extend(made)
        problems += missing
    if not any(pairs.values()):
        return None
    return _with_classes(source, root, pairs, problems)


def _read_voc(source: Source, root: str) -> Masked | None:
    """``JPEGImages``, ``SegmentationClass`` and the lists in ``ImageSets/Segmentation``."""
    names = set(source.names())
    if not any(name.startswith(f"{root}{_VOC_MASKS}/") for name in names):
        return None
    pairs: dict[str, list[Sample]] = {}
    problems: list[Problem] = []
    for split in (TRAIN, VAL, TEST):
        listed = f"{root}{_VOC_LISTS}/{split}.txt"
        if listed not in names:
            continue
        for stem in source.read(listed).decode("utf-8", "replace").split():
            mask, image = f"{root}{_VOC_MASKS}/{stem}.png", f"{root}JPEGImages/{stem}.jpg"
            if mask in names and image in names:
                pairs.setdefault(split, []).append(Sample(image, mask=mask))
            else:
                problems.append(_missing(image if image not in names else mask, f"{listed} lists {stem}"))
    if not any(pairs.values()):
        raise DataError(f"{source.location} has {_VOC_MASKS} but no list in {_VOC_LISTS} names a picture with a mask")
    return _with_classes(source, root, pairs, problems, default=VOC_CLASSES)


def _read_city(source: Source, root: str) -> Masked | None:
    """``leftImg8bit/SPLIT/CITY`` and ``gtFine/SPLIT/CITY``; test, whose masks are blank, is left out."""
    names = set(source.names())
    images = [n for n in source.names() if n.startswith(f"{root}{_CITY_IMAGES}/") and n.endswith("_leftImg8bit.png")]
    if not images:
        return None
    pairs: dict[str, list[Sample]] = {}
    problems: list[Problem] = []
    code = MaskCode(num_classes=len(CITY_CLASSES))
    for image in images:
        below = image[len(root) + len(_CITY_IMAGES) + 1 :]
        split = split_of(below.split("/", 1)[0])
        if split is None or split == TEST:
            continue
        stem = f"{root}{_CITY_MASKS}/{below.removesuffix('_leftImg8bit.png')}"
        mask = next((m for m in (stem + _TRAIN_IDS, stem + _LABEL_IDS) if m in names), None)
        if mask is None:
            problems.append(_missing(stem + _TRAIN_IDS, f"{image} has no mask"))
            continue
        if mask.endswith(_LABEL_IDS):
            code = _city_numbers()
        pairs.setdefault(split, []).append(Sample(image, mask=mask))
    return Masked(layout=_layout(tuple(CITY_CLASSES), pairs, problems), code=code)


def _read_shards(source: Source, root: str) -> Masked | None:
    """WebDataset shards with a mask beside each picture, as `pack` writes them."""
    del root
    if not isinstance(source, ShardSource) or not source.masks:
        return None
    classes = tuple(source.class_names)
    if not classes:
        raise DataError(f"{source.location} has masks but no {CLASSES_NAME} that names their classes by line")
    pairs: dict[str, list[Sample]] = {}
    for name, mask in source.masks.items():
        pairs.setdefault(split_of(name.partition("/")[0]) or WHOLE, []).append(Sample(name, mask=mask))
    return Masked(layout=_layout(classes, pairs, ()), code=MaskCode(num_classes=len(classes)))


_READERS: Final[Sequence[Callable[[Source, str], Masked | None]]] = (_read_shards, _read_city, _read_voc, _read_plain)


def _city_numbers() -> MaskCode:
    known = {number: place for place, number in enumerate(CITY_CLASSES.values())}
    others = tuple(number for number in range(_CITY_LABELS) if number not in known)
    return MaskCode(num_classes=len(known), renumbered=known, ignored=(*others, IGNORE))


def _with_classes(
    source: Source,
    root: str,
    pairs: Mapping[str, Sequence[Sample]],
    problems: Sequence[Problem],
    *,
    default: tuple[str, ...] = (),
) -> Masked:
    """Samples with names, ignored values and colours from ``classes.json``."""
    path = root + CLASS_FILE
    if path not in source.names():
        if default:
            return Masked(layout=_layout(default, pairs, problems), code=MaskCode(num_classes=len(default)))
        form = '{"names": ["sky", ...], "ignore_index": 255}'
        raise DataError(f"{source.location} has masks but no {CLASS_FILE}; write one: {form}")
    try:
        data: Any = json.loads(source.read(path))
        names = tuple(str(name) for name in data["names"])
        ignored = data.get("ignore_index", IGNORE)
        ignored = tuple(
            int(value) for value in (ignored if isinstance(ignored, list) else [ignored]) if value is not None
        )
        colours = [(int(r), int(g), int(b)) for r, g, b in data.get("colours", [])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f'{source.describe(path)} is not {{"names": [...], "ignore_index": 255}}: {error}') from None
    if not 1 <= len(names) <= IGNORE:
        raise DataError(f"{source.describe(path)} names {len(names)} classes; masks of 8 bits have room for 1 to 255")
    _require_colours(colours, len(names), ignored, where=source.describe(path))
    values = {colour: value for value, colour in enumerate(colours)}
    masked = Masked(
        layout=_layout(names, pairs, problems), code=MaskCode(num_classes=len(names), ignored=(), colours=values)
    )
    return ignoring(masked, ignored, source)


def _require_colours(
    colours: Sequence[tuple[int, int, int]], num_names: int, ignored: Sequence[int], *, where: str
) -> None:
    """A colour for each name, and behind them only such as stand for an ignored value."""
    if colours and len(colours) < num_names:
        raise DataError(f"{where} has {len(colours)} colours for {num_names} names; list one for each")
    beyond = [value for value in range(num_names, len(colours)) if value not in ignored]
    if beyond:
        raise DataError(
            f"{where} has {len(colours)} colours for {num_names} names; the colour at place {beyond[0]}, counted from "
            f'0, is of no name: name its class, or put {beyond[0]} under "ignore_index" if it says nothing of a pixel'
        )
    twice = next((colour for place, colour in enumerate(colours) if colour in colours[:place]), None)
    if twice is not None or any(not 0 <= part <= 255 for colour in colours for part in colour):
        raise DataError(f"{where}: colours are three numbers from 0 to 255 each, and each is listed once")


def _folders_below(source: Source, root: str) -> set[str]:
    return {folder[len(root) :] for folder in source.folders() if folder.startswith(root)}


def _siblings(place: PurePosixPath, at: int) -> list[str]:
    """The same path with a name for masks where it has one for images."""
    parts = list(place.parts)
    return ["/".join([*parts[:at], name, *parts[at + 1 :]]) for name in _MASKS]


def _pair(names: set[str], root: str, image_folder: str, mask_folder: str) -> tuple[list[Sample], list[Problem]]:
    """Pictures of a folder with the masks of the same stem."""
    made, problems = [], []
    masks: dict[str, str] = {}
    for name in sorted(names):
        if str(PurePosixPath(name).parent) == root + mask_folder and is_picture_name(name):
            first = masks.setdefault(PurePosixPath(name).stem, name)
            if first != name:
                detail = f"{first} has the same name but for its ending and is the mask; passed over"
                problems.append(Problem(kind="duplicate", file=name, detail=detail, severity="warning"))
    for name in sorted(names):
        if str(PurePosixPath(name).parent) != root + image_folder or not is_picture_name(name):
            continue
        mask = masks.get(PurePosixPath(name).stem)
        if mask is None:
            problems.append(_missing(name, f"no mask of this name in {mask_folder}"))
        else:
            made.append(Sample(name, mask=mask))
    return made, problems


def _missing(file: str, detail: str) -> Problem:
    return Problem(kind="missing", file=file, detail=f"{detail}; passed over")


def _layout(classes: tuple[str, ...], pairs: Mapping[str, Sequence[Sample]], problems: Sequence[Problem]) -> Layout:
    if WHOLE in pairs and len(pairs) > 1:
        raise DataError("there are images and masks both inside and outside train, val and test folders")
    splits = {split: tuple(sorted(found, key=lambda sample: sample.name)) for split, found in pairs.items() if found}
    return Layout(classes=classes, splits=splits, problems=tuple(problems))
