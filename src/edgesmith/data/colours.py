"""Classes as colours: one for each, far from its neighbours; pictures with their masks or boxes drawn."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgesmith.data.masks import IGNORE, Mask

Corners = tuple[float, float, float, float]

_TURN: Final = 0.61803398875  # of the colour circle from class to class: the golden ratio never comes back
_SHARE: Final = 0.55  # of the colour over the picture
_LEGEND_TEXT: Final = 12  # pixels


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


def draw_boxes(image: Image.Image, boxes: Sequence[tuple[Corners, int, str]], count: int) -> Image.Image:
    """The picture with boxes in their classes' colours, each with its text.

    Args:
        image: RGB.
        boxes: Left, top, right and bottom as shares of the picture, class index, text.
        count: Number of classes.
    """
    drawn = image.copy()
    draw = ImageDraw.Draw(drawn)
    width = max(1, round(min(image.size) / 200))
    size = max(10, round(min(image.size) / 32))
    font = ImageFont.load_default(size=size)
    colours = class_colours(count)
    for (left, top, right, bottom), label, text in boxes:
        colour = (int(colours[label, 0]), int(colours[label, 1]), int(colours[label, 2]))
        x0, x1 = (min(share * image.width, image.width - 1) for share in (left, right))
        y0, y1 = (min(share * image.height, image.height - 1) for share in (top, bottom))
        draw.rectangle((x0, y0, x1, y1), outline=colour, width=width)
        if text:
            inside = max(0.0, min(x0, image.width - draw.textlength(text, font=font)))
            place = draw.textbbox((inside, max(0.0, y0 - 1.3 * size)), text, font=font)
            draw.rectangle(place, fill=colour)
            draw.text(place[:2], text, fill="black" if _is_bright(colour) else "white", font=font, anchor="lt")
    return drawn


def _is_bright(colour: tuple[int, int, int]) -> bool:
    """Whether black letters can be read better on it than white ones."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue > 128


def legend(names: Sequence[str], width: int) -> Image.Image:
    """The classes with their colours, in as many lines as they need.

    Args:
        names: In the order of their labels.
        width: Of the picture that is made, in pixels.
    """
    font = ImageFont.load_default(size=_LEGEND_TEXT)
    step, colours = _LEGEND_TEXT + 6, class_colours(len(names))
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    places: list[tuple[int, int]] = []
    left, line = 0, 0
    for name in names:
        wide = step + round(measure.textlength(name, font=font)) + _LEGEND_TEXT
        if left and left + wide > width:
            left, line = 0, line + 1
        places.append((left, line * step))
        left += wide
    drawn = Image.new("RGB", (width, (line + 1) * step), "white")
    draw = ImageDraw.Draw(drawn)
    for (x, y), name, colour in zip(places, names, colours.tolist(), strict=False):
        draw.rectangle((x, y + 2, x + _LEGEND_TEXT, y + 2 + _LEGEND_TEXT), fill=tuple(colour))
        draw.text((x + step, y + 1), name, fill="black", font=font)
    return drawn
