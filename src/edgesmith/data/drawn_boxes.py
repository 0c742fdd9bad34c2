"""Boxes as annotation files have them -> clean shares of the picture, with a remark on each that is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from PIL import Image

from edgesmith.data.samples import Box, Problem, Sample

_LEAST_PIXELS: Final = 1.0
_TURNED: Final = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height


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
    """Cut boxes at the picture's border, and leave out what has no area then.

    Args:
        drawn: Of one picture.
        size: Width and height of the picture, in the unit of the corners.
        file: What remarks name.
    """
    boxes: list[Box] = []
    problems: list[Problem] = []
    width, height = size
    for each in drawn:
        reason = _fault(each.corners, width, height)
        if reason is not None:
            problems.append(_remark(file, each, f"{reason}; left out"))
            continue
        left, top, right, bottom = each.corners
        cut = (max(0.0, left), max(0.0, top), min(width, right), min(height, bottom))
        beyond = max(abs(mine - theirs) for mine, theirs in zip(cut, each.corners, strict=True))
        if beyond > _LEAST_PIXELS:
            problems.append(_remark(file, each, f"it reaches {beyond:.0f} pixels beyond the picture; cut"))
        boxes.append(Box(each.label, cut[0] / width, cut[1] / height, cut[2] / width, cut[3] / height, each.crowd))
    return tuple(boxes), tuple(problems)


def turned(sample: Sample, upright: tuple[int, int], orientation: int) -> Sample:
    """A sample whose boxes are of the upright picture: those that were drawn on the stored one are turned with it.

    The size that a set states decides: where it is that of the stored picture, and turning swaps width and height, the
    boxes were drawn without heed of the EXIF tag.

    Args:
        sample: With its stated size.
        upright: Width and height of the picture after turning.
        orientation: The EXIF tag, 1..8.
    """
    stored = upright[::-1] if orientation in _TURNED else upright
    if orientation not in _TURNED or sample.size != stored or stored == upright:
        return sample
    return replace(sample, boxes=tuple(_turn(box, orientation) for box in sample.boxes), size=upright)


def orientation_of(image: Image.Image) -> int:
    """The EXIF tag of an opened, undecoded file; 1 where there is none."""
    return int(image.getexif().get(0x0112, 1))


def _turn(box: Box, orientation: int) -> Box:
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    if orientation == 5:
        left, top, right, bottom = top, left, bottom, right
    elif orientation == 6:
        left, top, right, bottom = 1 - bottom, left, 1 - top, right
    elif orientation == 7:
        left, top, right, bottom = 1 - bottom, 1 - right, 1 - top, 1 - left
    elif orientation == 8:
        left, top, right, bottom = top, 1 - right, bottom, 1 - left
    return replace(box, left=left, top=top, right=right, bottom=bottom)


def _fault(corners: tuple[float, float, float, float], width: float, height: float) -> str | None:
    """Why a box is none."""
    left, top, right, bottom = corners
    shown = ", ".join(f"{value:g}" for value in corners)
    if not all(math.isfinite(value) for value in corners):
        return f"the box {shown} is not finite"
    if right <= left or bottom <= top:
        return f"the box {shown} has no area"
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return f"the box {shown} lies outside the picture"
    return None


def _remark(file: str, drawn: Drawn, detail: str) -> Problem:
    return Problem(kind="bad_box", file=file, detail=f"{drawn.where}: {detail}", severity="warning")
