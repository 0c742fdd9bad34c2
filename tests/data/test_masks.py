"""Mask files become class indices, and what is none is named."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgesmith.data.masks import IGNORE, MaskCode, read_mask, resize_mask
from edgesmith.data.pictures import PictureError
from tests.data.builders import encode

CODE = MaskCode(num_classes=3, ignored=(11,))
VALUES = np.array([[0, 1], [2, 11]], dtype=np.uint8)
READ = np.array([[0, 1], [2, IGNORE]], dtype=np.uint8)


@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_grey_and_palette_files_are_read_by_their_values(mode: str) -> None:
    image = Image.fromarray(VALUES.astype(np.uint16) if mode == "I;16" else VALUES)
    if mode == "P":
        image = Image.new("P", (2, 2))
        image.putdata(VALUES.reshape(-1).tolist())
        image.putpalette([200, 3, 4] * 256)  # colours that mean nothing
    assert np.array_equal(read_mask(encode(image, "PNG"), CODE, name="m.png"), READ)


def test_colours_are_classes_where_they_are_listed() -> None:
    code = MaskCode(num_classes=2, colours={(255, 0, 0): 1, (0, 0, 0): 0})
    pixels = np.array([[[255, 0, 0], [0, 0, 0]]], dtype=np.uint8)
    content = encode(Image.fromarray(pixels), "PNG")
    assert read_mask(content, code, name="m.png").tolist() == [[1, 0]]
    with pytest.raises(PictureError, match=r"m.png: the mask is in colours; list them under \"colours\""):
        read_mask(content, CODE, name="m.png")
    void = MaskCode(num_classes=2, ignored=(2,), colours={(255, 0, 0): 1, (0, 0, 0): 2, (9, 9, 9): 0})
    assert read_mask(content, void, name="m.png").tolist() == [[1, IGNORE]]
    pixels[0, 0] = (1, 2, 3)
    with pytest.raises(PictureError, match=r"the colour \(1, 2, 3\), which is of no class"):
        read_mask(encode(Image.fromarray(pixels), "PNG"), code, name="m.png")


def test_case_s5_values_that_are_no_class_are_named() -> None:
    """0, 1, 255 and a bad 7 with 2 classes."""
    code = MaskCode(num_classes=2)
    good = np.array([[0, 1, 255]], dtype=np.uint8)
    assert read_mask(encode(Image.fromarray(good), "PNG"), code, name="m.png").tolist() == [[0, 1, IGNORE]]
    bad = np.array([[0, 1, 7]], dtype=np.uint8)
    with pytest.raises(PictureError, match="the values 7; classes are 0 to 1, ignored values 255") as caught:
        read_mask(encode(Image.fromarray(bad), "PNG"), code, name="m.png")
    assert caught.value.kind == "bad_mask"
    with pytest.raises(PictureError, match="the mask has values above 255"):
        read_mask(encode(Image.fromarray(np.array([[300]], dtype=np.uint16)), "PNG"), code, name="m.png")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n and then nothing"])
def test_what_is_no_picture_is_a_bad_mask(content: bytes) -> None:
    with pytest.raises(PictureError, match=r"m\.png: the mask cannot be decoded"):
        read_mask(content, CODE, name="m.png")


def test_numbers_may_stand_for_other_classes() -> None:
    code = MaskCode(num_classes=2, renumbered={7: 0, 11: 1}, ignored=(0, 255))
    values = np.array([[7, 11, 0]], dtype=np.uint8)
    assert read_mask(encode(Image.fromarray(values), "PNG"), code, name="m.png").tolist() == [[0, 1, IGNORE]]


def test_a_class_that_is_ignored_is_none_and_those_behind_it_move_up() -> None:
    code, left = MaskCode(num_classes=4, ignored=(255,)).ignoring((0, 2))
    assert (code.num_classes, left) == (2, (1, 3))
    values = np.array([[0, 1, 2, 3, 255]], dtype=np.uint8)
    content = encode(Image.fromarray(values), "PNG")
    assert read_mask(content, code, name="m.png").tolist() == [[IGNORE, 0, IGNORE, 1, IGNORE]]
    bad = encode(Image.fromarray(np.array([[4]], dtype=np.uint8)), "PNG")
    with pytest.raises(PictureError, match="the values 4; classes are 1, 3, ignored values 255, 0, 2"):
        read_mask(bad, code, name="m.png")
    again, left = code.ignoring((1,))
    assert (again.num_classes, left) == (1, (1,))
    assert read_mask(content, again, name="m.png").tolist() == [[IGNORE, IGNORE, IGNORE, 0, IGNORE]]
    assert code.ignoring((1, 3))[1] == ()


@pytest.mark.parametrize("size", [(7, 9), (31, 40), (2, 2)])
def test_case_s7_a_resized_mask_has_no_new_labels(size: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).choice(np.array([0, 5, 10, 255], dtype=np.uint8), (16, 20))
    resized = resize_mask(mask, *size)
    assert resized.shape == size
    assert set(np.unique(resized)) <= {0, 5, 10, 255}
    assert resize_mask(mask, 16, 20) is mask
