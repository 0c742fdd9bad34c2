"""Mask files -> one class index a pixel, or an error that names the file and the values that are no class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesmith.data.pictures import PictureError, quiet

IGNORE: Final = 255
"""What every mask has, once it is read, where nobody has said what a pixel shows."""

Mask = NDArray[np.uint8]

_SHOWN: Final = 5


@dataclass(frozen=True, kw_only=True)
class MaskCode:
    """What the values of a set's mask files stand for.

    Args:
        num_classes: Values below are classes.
        ignored: Values that say nothing of a pixel.
        renumbered: Classes of values where these are not classes by themselves, as Cityscapes' raw label numbers.
        colours: Values of red, green and blue, for masks that are pictures in colours.
    """

    num_classes: int
    ignored: tuple[int, ...] = (IGNORE,)
    renumbered: Mapping[int, int] = field(default_factory=dict)
    colours: Mapping[tuple[int, int, int], int] = field(default_factory=dict)

    def numbers(self) -> Mapping[int, int]:
        """The class of each value that has one."""
        return self.renumbered or {value: value for value in range(self.num_classes)}

    def ignoring(self, values: Sequence[int]) -> tuple[MaskCode, tuple[int, ...]]:
        """The code with more ignored values, and which of its classes are left.

        A class whose values are all ignored is none; those behind it move up.
        """
        numbers = {value: label for value, label in self.numbers().items() if value not in values}
        left = tuple(sorted(set(numbers.values())))
        ignored = (*self.ignored, *(value for value in values if value not in self.ignored))
        if len(left) == self.num_classes:
            return replace(self, ignored=ignored), left
        places = {label: place for place, label in enumerate(left)}
        renumbered = {value: places[label] for value, label in numbers.items()}
        return replace(self, num_classes=len(left), ignored=ignored, renumbered=renumbered), left

    def table(self) -> NDArray[np.int16]:
        """``(256,)``: the class of each value, `IGNORE` for none, -1 for a value that should not be there."""
        table = np.full(256, -1, dtype=np.int16)
        for value, label in self.numbers().items():
            table[value] = label
        table[[value for value in self.ignored if 0 <= value < 256]] = IGNORE
        return table


def read_mask(content: bytes, code: MaskCode, *, name: str) -> Mask:
    """A mask of class indices, with `IGNORE` where there is none.

    Palette files are read by their index, never by their colour; grey ones by their value.

    Args:
        content: The file's bytes.
        code: What its values stand for.
        name: What messages call the file.

    Returns:
        ``(height, width)``.

    Raises:
        PictureError: It cannot be decoded, is in colours that have no class, or has values that are none.
    """
    try:
        with quiet():
            image = Image.open(BytesIO(content))
            image.load()
    except Exception as error:  # Pillow's plugins raise whatever a malformed header leads them to.
        raise PictureError(name, kind="bad_mask", reason=f"the mask cannot be decoded ({error})") from error
    if image.mode in ("RGB", "RGBA"):
        return _by_colour(np.asarray(image.convert("RGB")), code, name)
    if image.mode not in ("L", "P", "1", "I", "I;16"):
        raise PictureError(name, kind="bad_mask", reason=f"the mask is a picture of mode {image.mode}, not of indices")
    values = np.asarray(image).astype(np.int64)
    if values.min(initial=0) < 0 or values.max(initial=0) > 255:
        raise PictureError(name, kind="bad_mask", reason="the mask has values above 255")
    found = code.table()[values]
    if (found < 0).any():
        wrong = sorted(set(values[found < 0].tolist()))
        raise _unknown_values(name, ", ".join(map(str, wrong[:_SHOWN])), code)
    return found.astype(np.uint8)


def resize_mask(mask: Mask, height: int, width: int) -> Mask:
    """Nearest neighbour: no value appears that was not there."""
    if mask.shape == (height, width):
        return mask
    return np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))


def _by_colour(pixels: NDArray[np.uint8], code: MaskCode, name: str) -> Mask:
    if not code.colours:
        reason = 'the mask is in colours; list them under "colours" in classes.json, or store class indices'
        raise PictureError(name, kind="bad_mask", reason=reason)
    numbers = _colour_numbers(pixels)
    made, classes = np.full(numbers.shape, -1, dtype=np.int16), code.table()
    for colour, value in code.colours.items():
        made[numbers == int(_colour_numbers(np.array(colour, dtype=np.uint8)))] = classes[value]
    if (made < 0).any():
        wrong = sorted(set(map(tuple, pixels[made < 0].tolist())))
        raise PictureError(name, kind="bad_mask", reason=f"the mask has the colour {wrong[0]}, which is of no class")
    return made.astype(np.uint8)


def _colour_numbers(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    wide = pixels.astype(np.int32)
    return wide[..., 0] * 65536 + wide[..., 1] * 256 + wide[..., 2]


def _unknown_values(name: str, values: str, code: MaskCode) -> PictureError:
    ignored = ", ".join(map(str, code.ignored)) or "none"
    known = f"classes are {_spans(sorted(code.numbers()))}, ignored values {ignored}"
    reason = f"the mask has the values {values}; {known}; --ignore-index names values that count in nothing"
    return PictureError(name, kind="bad_mask", reason=reason)


def _spans(values: Sequence[int]) -> str:
    """``0 to 4, 7`` for 0, 1, 2, 3, 4, 7."""
    spans: list[list[int]] = []
    for value in values:
        if spans and spans[-1][-1] == value - 1:
            spans[-1] = [spans[-1][0], value]
        else:
            spans.append([value])
    return ", ".join(" to ".join(map(str, span)) for span in spans)
