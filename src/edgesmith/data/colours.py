"""Classes as colours: one for each, far from its neighbours, and a picture with its mask laid over it."""

from __future__ import annotations

import colorsys
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesmith.data.masks import IGNORE, Mask

_TURN: Final = 0.61803398875  # of the colour circle from class to class: the golden ratio never comes back
_SHARE: Final = 0.55  # of the colour over the picture


def class_colours(count: int) -> NDArray[np.uint8]:
    """``(256, 3)``: a colour for each of ``count`` classes; black for other values."""
    colours = np.zeros((256, 3), dtype=np.uint8)
    for index in range(min(count, IGNORE)):
        hue, bright = (0.02 + index * _TURN) % 1.0, (0.95, 0.7)[index % 2]
        colours[index] = np.rint(255 * np.array(colorsys.hsv_to_rgb(hue, 0.75, bright)))
    return colours


def lay_over(image: Image.Image, mask: Mask, count: int) -> Image.Image:
    """The picture under its mask's colours; where nothing is known the picture stays as it is.

    Args:
        image: RGB.
        mask: ``(height, width)`` of the picture.
        count: Number of classes.
    """
    pixels = np.asarray(image, dtype=np.float32)
    colours = class_colours(count)[mask].astype(np.float32)
    known = (mask != IGNORE)[..., None]
    mixed = np.where(known, (1 - _SHARE) * pixels + _SHARE * colours, pixels)
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def as_palette_png(mask: Mask, count: int) -> Image.Image:
    """The mask as a picture of indices that shows its classes' colours."""
    image = Image.fromarray(mask, mode=None).convert("P")
    image.putdata(mask.reshape(-1).tolist())
    image.putpalette(class_colours(count).reshape(-1).tolist())
    return image
