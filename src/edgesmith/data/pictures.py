"""Bytes of a picture file -> upright 8-bit RGB, or an error that names the file.

Every path of the product decodes here: training, evaluation, calibration, prediction and `check`.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageStat, UnidentifiedImageError

from edgesmith.core.errors import DataError
from edgesmith.data.samples import Problem

MAX_PIXELS: Final = 1 << 27

_ORIENTATION_TAG: Final = 0x0112
_TURNS: Final[Mapping[int, Image.Transpose]] = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)
_TEXT_STARTS: Final = (b"<!doctype", b"<html", b"<?xml", b"<svg")
_PICTURE_STARTS: Final = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*",
)  # fmt: skip
# Their pixels are read without a remark, so threads may do it side by side.
_SILENT_FORMATS: Final = ("JPEG", "MPO", "PNG", "GIF", "BMP", "WEBP", "PPM", "AVIF")
_WARNINGS_LOCK: Final = threading.Lock()


class PictureError(DataError):
    """One picture cannot be used.

    Args:
        file: Where it lies, as the message shows it.
        kind: ``truncated`` (begins as a picture and ends too early or is damaged), ``not_a_picture``, ``too_large``,
            ``unreadable`` (the bytes could not be had), or of its labels ``bad_mask``, ``bad_annotation`` and
            ``other_size`` (than the one that its boxes were drawn on).
        reason: Why, in words.
    """

    def __init__(self, file: str, *, kind: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.kind = kind
        self.reason = reason

    def as_problem(self, file: str) -> Problem:
        """The remark that is counted where the picture is left out; ``file`` is its name within the source."""
        return Problem(kind=self.kind, file=file, detail=self.reason)

    def __reduce__(self) -> tuple[object, ...]:
        return _picture_error, (self.file, self.kind, self.reason)


def _picture_error(file: str, kind: str, reason: str) -> PictureError:
    return PictureError(file, kind=kind, reason=reason)


def decode(content: bytes, *, name: str, apply_orientation: bool = True) -> Image.Image:
    """The picture as upright RGB; of an animation, its first frame.

    Transparency is laid on white. 16-bit and float values are scaled to 8 bits, never clipped. CMYK follows Adobe's
    inverted convention where the file says so; where it does not, the reading with less black ink is taken.

    Args:
        content: The file's bytes.
        name: What messages call the file.
        apply_orientation: Turn the picture as its EXIF tag asks.

    Raises:
        PictureError: The file is empty, cut short, damaged, larger than `MAX_PIXELS`, or no picture.
    """
    try:
        with quiet():
            image = Image.open(BytesIO(content))
            _refuse_size(image.size, name=name)
            if image.format not in _SILENT_FORMATS:
                image.load()
        image.load()
        orientation = _orientation(image) if apply_orientation else 1
    except PictureError:
        raise
    except Exception as error:  # Pillow's plugins raise whatever a malformed header leads them to.
        raise _explain(content, error, name=name) from error
    rgb = _to_rgb(image)
    return rgb.transpose(_TURNS[orientation]) if orientation in _TURNS else rgb


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Pillow's remarks on odd headers; filters belong to the whole process, hence the lock."""
    with _WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _refuse_size(size: tuple[int, int], *, name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        reason = f"{width}x{height} pixels are more than the limit of {MAX_PIXELS // 10**6} million"
        raise PictureError(name, kind="too_large", reason=reason)


def _orientation(image: Image.Image) -> int:
    try:
        with quiet():
            return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # Damaged EXIF data says nothing about the pixels.
        return 1


def _explain(content: bytes, error: Exception, *, name: str) -> PictureError:
    start = content[:64].lstrip().lower()
    if not content:
        return PictureError(name, kind="not_a_picture", reason="the file is empty")
    if start.startswith(_TEXT_STARTS):
        return PictureError(name, kind="not_a_picture", reason="a web page or XML text, not a picture")
    if isinstance(error, Image.DecompressionBombError):
        return PictureError(name, kind="too_large", reason=f"more than {MAX_PIXELS // 10**6} million pixels")
    if content.startswith(_PICTURE_STARTS):
        detail = " ".join(str(error).split()) if not isinstance(error, UnidentifiedImageError) else "bad header"
        return PictureError(name, kind="truncated", reason=f"cut short or damaged ({detail})")
    return PictureError(name, kind="not_a_picture", reason="not a picture in a format that can be read")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return Image.fromarray(_to_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _on_white(image)
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        image = _with_less_black(image)
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    canvas = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(canvas, layer).convert("RGB")


def _with_less_black(image: Image.Image) -> Image.Image:
    """Undo Pillow's inversion where it turned a light picture into one that is mostly black ink."""
    black = ImageStat.Stat(image.getchannel("K")).mean[0]
    return ImageChops.invert(image) if black > 127.5 else image


def _to_eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale by the range that the values are stored in: 1.0 or 255 for floats, else 16 or 31 bits."""
    wide = np.nan_to_num(values.astype(np.float64))
    largest = float(wide.max(initial=0.0))
    limits = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (65535.0, 2147483647.0)
    full = next((limit for limit in limits if largest <= limit), largest)
    return np.rint(np.clip(wide / full, 0.0, 1.0) * 255.0).astype(np.uint8)
