"""Boxes are cut and judged in pixels, and turned as their pictures are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pytest
from PIL import Image

from edgesmith.data.drawn_boxes import UNIT, Drawn, clean_boxes, fit_boxes, turned
from edgesmith.data.pictures import PictureError, decode
from edgesmith.data.samples import Box, Sample

WIDTH, HEIGHT = 40, 30
MARKED: Final = (6, 4, 21, 12)  # left, top, right, bottom of the stored picture's mark
# What each EXIF tag asks for, by the standard's own words ("row 0 is the right side, column 0 the top" and so on).
UPRIGHT: Final[Mapping[int, Callable[[Any], Any]]] = MappingProxyType(
    {
        1: lambda stored: stored,
        2: lambda stored: stored[:, ::-1],
        3: lambda stored: stored[::-1, ::-1],
        4: lambda stored: stored[::-1],
        5: lambda stored: stored.T,
        6: lambda stored: np.rot90(stored, -1),
        7: lambda stored: np.rot90(stored, 2).T,
        8: lambda stored: np.rot90(stored, 1),
    }
)


def marked() -> np.ndarray:
    pixels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    left, top, right, bottom = MARKED
    pixels[top:bottom, left:right] = 255
    return pixels


def stored_file(tag: int) -> bytes:
    exif, stream = Image.Exif(), BytesIO()
    exif[0x0112] = tag
    Image.fromarray(marked()).save(stream, "PNG", exif=exif)
    return stream.getvalue()


def spanned(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the white part."""
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def boxed(corners: tuple[int, int, int, int], size: tuple[int, int], *, stated: bool = True) -> Sample:
    left, top, right, bottom = corners
    box = Box(0, left / size[0], top / size[1], right / size[0], bottom / size[1])
    return Sample("a.png", boxes=(box,), size=size if stated else None)


def pixels_of(sample: Sample, size: tuple[int, int]) -> tuple[float, ...]:
    (box,) = sample.boxes
    return (box.left * size[0], box.top * size[1], box.right * size[0], box.bottom * size[1])


@pytest.mark.parametrize("tag", UPRIGHT)
def test_case_b10_a_turned_box_covers_what_it_covered_before(tag: int) -> None:
    upright = UPRIGHT[tag](marked())
    height, width = upright.shape
    sample = turned(boxed(MARKED, (WIDTH, HEIGHT)), tag)
    assert sample.size == (width, height)
    assert pixels_of(sample, (width, height)) == pytest.approx(spanned(upright))


@pytest.mark.parametrize("tag", UPRIGHT)
@pytest.mark.parametrize("drawn_on", ["upright", "stored", "unstated"])
@pytest.mark.parametrize("scale", [1, 10])
def test_case_b10_boxes_lie_on_their_objects_however_they_were_drawn(tag: int, drawn_on: str, scale: int) -> None:
    """Also where the set's sizes are of a picture ten times as large."""
    if drawn_on == "stored" and tag in (2, 3, 4):
        pytest.skip("the stored and the upright picture have one size, so that none can tell: upright is the rule")
    content = stored_file(tag)
    image = decode(content, name="a.png")
    seen = np.asarray(image.convert("L"))
    assert np.array_equal(seen, UPRIGHT[tag](marked())), "the oracle and the decoder agree"
    frame = marked() if drawn_on == "stored" else seen
    size = (frame.shape[1] * scale, frame.shape[0] * scale)
    left, top, right, bottom = (side * scale for side in spanned(frame))
    sample = boxed((left, top, right, bottom), size, stated=drawn_on != "unstated")
    found = fit_boxes(sample, image, content, name="a.png", is_turned=True)
    assert pixels_of(found, image.size) == pytest.approx(spanned(seen))

    as_stored = decode(content, name="a.png", apply_orientation=False)
    found = fit_boxes(sample, as_stored, content, name="a.png", is_turned=False)
    assert pixels_of(found, as_stored.size) == pytest.approx(MARKED), "and where pictures are left as they are stored"


@pytest.mark.parametrize("size", [(64, 30), (400, 400), (41, 33)])
def test_case_b10_a_size_of_another_shape_is_a_fault(size: tuple[int, int]) -> None:
    content = stored_file(1)
    image = decode(content, name="a.png")
    with pytest.raises(PictureError, match=f"drawn on {size[0]}x{size[1]} pixels, and the picture has 40x30") as caught:
        fit_boxes(boxed(MARKED, size), image, content, name="set/a.png", is_turned=True)
    assert (caught.value.kind, caught.value.file) == ("other_size", "set/a.png")
    assert fit_boxes(Sample("a.png", size=size), image, content, name="a.png", is_turned=True).boxes == ()


def test_sizes_that_were_rounded_are_of_one_shape() -> None:
    content = stored_file(1)
    sample = boxed((10, 10, 50, 50), (133, 100))  # 40x30 of 133.33x100
    assert fit_boxes(sample, decode(content, name="a.png"), content, name="a.png", is_turned=True) is sample


def cleaned(corners: tuple[float, float, float, float], size: tuple[float, float]) -> tuple[list[Box], list[str]]:
    boxes, problems = clean_boxes([Drawn(label=0, corners=corners, where="line 1")], size=size, file="a.png")
    return list(boxes), [problem.detail for problem in problems]


@pytest.mark.parametrize(
    "corners", [(10, 10, 10.3, 15), (10, 10, 15, 10.3), (-8, 10, 0.4, 20), (39.6, 2, 60, 9)], ids=str
)
def test_case_b1_less_than_half_a_pixel_is_named_and_left_out(corners: tuple[float, float, float, float]) -> None:
    boxes, told = cleaned(corners, (40, 30))
    assert not boxes
    assert len(told) == 1
    assert "is less than half a pixel wide or high in the picture; left out" in told[0]


def test_half_a_pixel_is_enough_and_one_beyond_the_border_is_rounding() -> None:
    boxes, told = cleaned((-0.9, 10, 0.5, 30.5), (40, 30))
    assert (len(boxes), told) == (1, [])
    assert boxes[0] == Box(0, 0.0, 1 / 3, 0.5 / 40, 1.0)


def test_of_shares_nobody_knows_the_pixels() -> None:
    assert cleaned((0.1, 0.1, 0.1003, 0.2), UNIT) == ([Box(0, 0.1, 0.1, 0.1003, 0.2)], [])
