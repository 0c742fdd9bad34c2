"""A contact sheet: some pictures of each class with their labels, to see in a minute whether the labels are right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from edgesmith.core.errors import UsageError
from edgesmith.core.files import atomic_file
from edgesmith.core.seed import generator
from edgesmith.data.colours import draw_boxes, lay_over, legend
from edgesmith.data.dataset import Dataset, load_sample
from edgesmith.data.pictures import PictureError
from edgesmith.data.samples import Sample

_SIDE: Final = 128
_LARGE_SIDE: Final = 256  # where boxes with names, or masks, are to be seen
_TEXT: Final = 16
_GAP: Final = 4
_COLUMNS: Final = 8
_MOST_ROWS: Final = 64
_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp")


def write_sheet(dataset: Dataset, path: Path, *, seed: int = 0, columns: int = _COLUMNS) -> int:
    """Write one row a class, its pictures drawn from all splits; with many classes, the first 64.

    Pictures with boxes or masks stand in one row a split, under their boxes with the names of their classes, or under
    their masks' colours; what each colour means stands below all.

    Args:
        dataset: The set.
        path: Ends in .png, .jpg or .webp.
        seed: Draws the pictures.
        columns: Pictures a class.

    Returns:
        How many rows there are.

    Raises:
        UsageError: The ending is another.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"a contact sheet ends in {', '.join(_SUFFIXES)}, got {path}")
    if dataset.task == "classification":
        rows = [_drawn(dataset, label, seed, columns) for label in range(min(_MOST_ROWS, len(dataset.classes)))]
    else:
        rows = [_drawn_of_split(dataset, split, seed, columns) for split in dataset.splits]
    side = _SIDE if dataset.task == "classification" else _LARGE_SIDE
    cell, height = side + _GAP, side + _TEXT + _GAP
    width, bottom = columns * cell + _GAP, len(rows) * height + _GAP
    key = None if dataset.task == "classification" else legend(dataset.classes, width - 2 * _GAP)
    sheet = Image.new("RGB", (width, bottom + (0 if key is None else key.height + _GAP)), "white")
    for row, samples in enumerate(rows):
        for column, (split, sample) in enumerate(samples):
            _draw(sheet, dataset, split, sample, left=_GAP + column * cell, top=_GAP + row * height, side=side)
    if key is not None:
        sheet.paste(key, (_GAP, bottom))
    with atomic_file(path) as temporary:
        sheet.save(temporary, format=Image.registered_extensions()[path.suffix.lower()])
    return len(rows)


def _drawn(dataset: Dataset, label: int, seed: int, count: int) -> Sequence[tuple[str, Sample]]:
    found = [(split, each) for split, samples in dataset.splits.items() for each in samples if each.label == label]
    places = generator(seed, "sheet", label).permutation(len(found))[:count]
    return [found[place] for place in sorted(places.tolist())]


def _drawn_of_split(dataset: Dataset, split: str, seed: int, count: int) -> Sequence[tuple[str, Sample]]:
    samples = dataset.samples(split)
    places = generator(seed, "sheet", split).permutation(len(samples))[:count]
    return [(split, samples[place]) for place in sorted(places.tolist())]


def _draw(sheet: Image.Image, dataset: Dataset, split: str, sample: Sample, *, left: int, top: int, side: int) -> None:
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    try:
        picture = _labelled(dataset, sample, side)
        sheet.paste(picture, (left + (side - picture.width) // 2, top + (side - picture.height) // 2))
    except PictureError as error:
        draw.rectangle((left, top, left + side - 1, top + side - 1), outline="red", width=2)
        draw.text((left + 8, top + side // 2 - 8), error.kind, fill="red", font=font)
    text = split if dataset.task != "classification" else f"{dataset.classes[sample.label]} ({split})"
    while draw.textlength(text, font=font) > side and len(text) > 4:
        text = f"{text[:-4]}..."
    draw.text((left, top + side + 1), text, fill="black", font=font)


def _labelled(dataset: Dataset, sample: Sample, side: int) -> Image.Image:
    """The picture at the sheet's size, under what is known of it; names are drawn at that size, to be read."""
    picture, sample, mask = load_sample(dataset, sample)
    if mask is not None:
        picture = lay_over(picture, mask, len(dataset.classes))
    picture = ImageOps.contain(picture, (side, side))
    boxes = [
        ((box.left, box.top, box.right, box.bottom), box.label, dataset.classes[box.label]) for box in sample.boxes
    ]
    return draw_boxes(picture, boxes, len(dataset.classes))
