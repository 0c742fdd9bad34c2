"""Boxes as annotation files have them -> clean shares of the picture, with a remark on each that is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from types import MappingProxyType
from typing import Final

from PIL import Image

from edgesmith.data.pictures import PictureError, quiet
from edgesmith.data.samples import Box, Problem, Sample

UNIT: Final = (1.0, 1.0)
"""The size of a picture whose boxes are shares of it."""

_ROUNDING: Final = 1.0  # pixels that a box may reach beyond the border without a remark
_LEAST_SIDE: Final = 0.5  # pixels; less is none, once it is rounded
# What the EXIF tag asks for: whether x and y change places, and which of them are then mirrored.
_TURNS: Final[Mapping[int, tuple[bool, bool, bool]]] = MappingProxyType(
    {
        2: (False, True, False),
        3: (False, True, True),
        4: (False, False, True),
        5: (True, False, False),
        6: (True, True, False),
        7: (True, True, True),
        8: (True, False, True),
    }
)
_BACK: Final[Mapping[int, int]] = MappingProxyType({6: 8, 8: 6})  # all others undo themselves


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One box of an annotation file, in pixels.

    Attributes:
        label: Index of its class.
        corners: Left, top, right, bottom.
        where: What remarks call it: an annotation's id or its place in the file.
        crowd: As of `Box`.
    """

    label: int
    corners: tuple[float, float, float, float]
    where: str
    crowd: bool = False


def clean_boxes(
    drawn: Sequence[Drawn], *, size: tuple[float, float], file: str
) -> tuple[tuple[Box, ...], tuple[Problem, ...]]:
    """Cut boxes at the picture's border, and leave out what then is less than half a pixel wide or high.

    Args:
        drawn: Of one picture.
        size: Width and height of the picture, in the unit of the corners; `UNIT` for shares, of which nobody knows how
            many pixels they are.
        file: What remarks name.
    """
    boxes: list[Box] = []
    problems: list[Problem] = []
    width, height = size
    least = 0.0 if size == UNIT else _LEAST_SIDE
    for each in drawn:
        reason = _fault(each.corners, width, height, least)
        if reason is not None:
            problems.append(remark(file, f"{each.where}: {reason}; left out"))
            continue
        cut = _cut(each.corners, width, height)
        beyond = max(abs(mine - theirs) for mine, theirs in zip(cut, each.corners, strict=True))
        if beyond > _ROUNDING:
            problems.append(remark(file, f"{each.where}: it reaches {beyond:.0f} pixels beyond the picture; cut"))
        boxes.append(Box(each.label, cut[0] / width, cut[1] / height, cut[2] / width, cut[3] / height, each.crowd))
    return tuple(boxes), tuple(problems)


def remark(file: str, detail: str) -> Problem:
    """What is said of a box that is left out or cut."""
    return Problem(kind="bad_box", file=file, detail=detail, severity="warning")


def fit_boxes(sample: Sample, image: Image.Image, content: bytes, *, name: str, is_turned: bool) -> Sample:
    """A sample with its boxes as shares of the picture as it was read.

    Boxes are of the upright picture, unless the size that the set states is that of the stored one, before a turn by a
    quarter: then they were drawn without heed of the EXIF tag and are turned with the picture. A stated size of the
    same shape is of the same picture before somebody made it smaller or larger.

    Args:
        sample: With its stated size.
        image: The decoded picture.
        content: Its file.
        name: What messages call the file.
        is_turned: Whether the picture was turned as its EXIF tag asks.

    Raises:
        PictureError: The stated size is of another shape, so nobody knows where the boxes lie.
    """
    if not sample.boxes or (is_turned and sample.size in (None, image.size)):
        return sample
    with quiet(), Image.open(BytesIO(content)) as stored:
        tag = int(stored.getexif().get(0x0112, 1))
        as_stored = stored.size
    upright = as_stored[::-1] if _TURNS.get(tag, (False,))[0] else as_stored
    if sample.size is None or _same_shape(sample.size, upright):
        return sample if is_turned else turned(sample, _BACK.get(tag, tag))
    if _same_shape(sample.size, as_stored):
        return turned(sample, tag) if is_turned else sample
    stated, found = (f"{width}x{height}" for width, height in (sample.size, upright))
    reason = f"its boxes were drawn on {stated} pixels, and the picture has {found}: another shape"
    raise PictureError(name, kind="other_size", reason=reason)


def turned(sample: Sample, orientation: int) -> Sample:
    """A sample whose boxes and stated size are turned as an EXIF tag of 1..8 asks."""
    swapped, mirrored_x, mirrored_y = _TURNS.get(orientation, (False, False, False))

    def turn(box: Box) -> Box:
        x, y = (box.left, box.right), (box.top, box.bottom)
        if swapped:
            x, y = y, x
        if mirrored_x:
            x = (1 - x[1], 1 - x[0])
        if mirrored_y:
            y = (1 - y[1], 1 - y[0])
        return replace(box, left=x[0], top=y[0], right=x[1], bottom=y[1])

    size = sample.size[::-1] if sample.size is not None and swapped else sample.size
    return replace(sample, boxes=tuple(turn(box) for box in sample.boxes), size=size)


def _same_shape(stated: tuple[int, int], found: tuple[int, int]) -> bool:
    """Whether one is the other, made smaller or larger and rounded to whole pixels."""
    (width, height), (w, h) = stated, found
    return abs(width * h / height - w) <= 1 or abs(height * w / width - h) <= 1


def _cut(corners: tuple[float, float, float, float], width: float, height: float) -> tuple[float, float, float, float]:
    left, top, right, bottom = corners
    return max(0.0, left), max(0.0, top), min(width, right), min(height, bottom)


def _fault(corners: tuple[float, float, float, float], width: float, height: float, least: float) -> str | None:
    """Why a box is none."""
    left, top, right, bottom = corners
    shown = ", ".join(f"{value:g}" for value in corners)
    if not all(math.isfinite(value) for value in corners):
        return f"the box {shown} is not finite"
    if right <= left or bottom <= top:
        return f"the box {shown} has no area"
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return f"the box {shown} lies outside the picture"
    left, top, right, bottom = _cut(corners, width, height)
    if min(right - left, bottom - top) < least:
        return f"the box {shown} is less than half a pixel wide or high in the picture"
    return None
