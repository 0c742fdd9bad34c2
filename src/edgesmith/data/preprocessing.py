"""From an RGB picture to what a network reads: one resize, one crop, one scaling, used everywhere.

Evaluation, prediction, calibration and the sample code of a bundle share this rule; it needs numpy and pillow only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesmith.core import config, table
from edgesmith.core.errors import DataError, UsageError

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)

PLAIN: Final = "plain"
"""Bilinear between the four nearest pixels however much smaller a picture becomes, as OpenCV and most apps resize."""

_FILTERS: Final[Mapping[str, Image.Resampling]] = MappingProxyType(
    {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC, PLAIN: Image.Resampling.BILINEAR}
)
_LONGEST_ASPECT: Final = 64


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """The exact rule, as numbers that a bundle stores.

    1. Resize with Pillow's antialiased filter so that the short side is ``resize_short``; the long side is
       ``floor(resize_short * long / short)``. Smaller pictures are enlarged, so nothing is ever padded. Where
       ``resize_short`` is 0, the whole picture becomes ``height`` x ``width``, whatever its shape: answers for every
       place of a picture need all of it.
    2. Cut out the middle ``height`` x ``width``; the corner is ``round((side - crop) / 2)``, halves to even.
    3. ``(value * scale - mean) / std`` per channel, in float32.

    Args:
        height: Of the crop, in pixels.
        width: Of the crop, in pixels.
        resize_short: Short side after the resize, in pixels; at least the crop's longer side, or 0 for no crop.
        mean: Per channel (red, green, blue), in units after ``scale``.
        std: Per channel, in the same units.
        interpolation: ``bilinear`` or ``bicubic``, both antialiased; `PLAIN` is there to tell what a model scores in an
            app that resizes so, and no model is trained on it.
        scale: Factor on the 0..255 values.
        apply_orientation: Whether pictures are first turned as their EXIF tag asks.
    """

    height: int
    width: int
    resize_short: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"
    scale: float = 1 / 255
    apply_orientation: bool = True

    def __post_init__(self) -> None:
        table.lookup(_FILTERS, self.interpolation, what="interpolation")
        fits = self.resize_short == 0 or self.resize_short >= max(self.height, self.width)
        if min(self.height, self.width) < 1 or not fits:
            raise UsageError(
                f"a crop of {self.height}x{self.width} needs resize_short >= {max(self.height, self.width, 1)}, "
                f"got {self.resize_short}"
            )
        if not min(self.std) > 0:
            raise UsageError(f"std must be more than zero in each channel, got {self.std}")

    @classmethod
    def for_resolution(
        cls,
        height: int,
        width: int,
        *,
        crop_fraction: float = 0.875,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        std: tuple[float, float, float] = IMAGENET_STD,
    ) -> Self:
        """The usual rule at a network's resolution.

        Args:
            height: Of the crop, in pixels.
            width: Of the crop, in pixels.
            crop_fraction: Crop's longer side over the resized short side, 0..1: 0.875 resizes to 256 for 224.
            mean: Per channel, of values in 0..1.
            std: Per channel, of values in 0..1.

        Raises:
            UsageError: ``crop_fraction`` is out of its range.
        """
        if not 0 < crop_fraction <= 1:
            raise UsageError(f"crop_fraction must be in (0, 1], got {crop_fraction}")
        resize_short = round(max(height, width) / crop_fraction)
        return cls(height=height, width=width, resize_short=resize_short, mean=mean, std=std)

    @property
    def is_whole(self) -> bool:
        """Whether all of a picture is read, so that answers for places can be laid over it."""
        return self.resize_short == 0

    def for_whole(self) -> Self:
        """The same scaling without a crop."""
        return replace(self, resize_short=0)

    def crop(self, image: Image.Image) -> NDArray[np.uint8]:
        """Resize and cut, ``(height, width, 3)``.

        A picture longer than 64 times its short side is first cut to its middle, so that memory stays bounded.

        Raises:
            DataError: The picture is not RGB.
        """
        if image.mode != "RGB":
            raise DataError(
                f"preprocessing reads RGB pictures, got mode {image.mode}; decode with data.pictures.decode"
            )
        if self.is_whole:
            size = (self.width, self.height)
            return np.array(_resize(image, size, self.interpolation), dtype=np.uint8)
        resized = resize_short_side(_bound_aspect(image), self.resize_short, interpolation=self.interpolation)
        left, top = round((resized.width - self.width) / 2), round((resized.height - self.height) / 2)
        return np.array(resized.crop((left, top, left + self.width, top + self.height)), dtype=np.uint8)

    def normalize(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scale ``(H, W, 3)`` or ``(N, H, W, 3)`` to float32 ``(3, H, W)`` or ``(N, 3, H, W)``.

        Raises:
            DataError: The values are not uint8: they were scaled before, and a second time would falsify them.
        """
        if images.dtype != np.uint8:
            raise DataError(
                f"the picture is already scaled ({images.dtype} values); preprocessing takes uint8 and scales once"
            )
        factor, offset = self.affine()
        scaled = images.astype(np.float32)
        scaled *= factor
        scaled += offset
        return np.ascontiguousarray(np.moveaxis(scaled, -1, -3))

    def affine(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Step 3 as ``value * factor + offset``, per channel: ``scale / std`` and ``-mean / std``."""
        std = np.asarray(self.std, dtype=np.float64)
        factor = (self.scale / std).astype(np.float32)
        return factor, (-np.asarray(self.mean, dtype=np.float64) / std).astype(np.float32)

    def apply(self, image: Image.Image) -> NDArray[np.float32]:
        """Crop and normalize one RGB picture, ``(3, height, width)``."""
        return self.normalize(self.crop(image))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as a bundle stores them."""
        return config.to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The rule that `to_dict` wrote; unknown keys are refused."""
        return config.from_dict(cls, data)


def resize_short_side(image: Image.Image, size: int, *, interpolation: str = "bilinear") -> Image.Image:
    """Antialiased resize to a short side of ``size`` pixels; the long side is rounded down."""
    short, long = sorted(image.size)
    new_long = size * long // short
    new_size = (size, new_long) if image.width <= image.height else (new_long, size)
    return _resize(image, new_size, interpolation)


def _resize(image: Image.Image, size: tuple[int, int], interpolation: str) -> Image.Image:
    if size == image.size:
        return image
    if interpolation != PLAIN:
        return image.resize(size, _FILTERS[interpolation])
    # Pillow's resize smooths; its affine transform looks at the four nearest pixels alone, from centre to centre.
    scale = (image.width / size[0], 0.0, 0.0, 0.0, image.height / size[1], 0.0)
    return image.transform(size, Image.Transform.AFFINE, scale, Image.Resampling.BILINEAR)


def _bound_aspect(image: Image.Image) -> Image.Image:
    short, long = sorted(image.size)
    excess = long - _LONGEST_ASPECT * short
    if excess <= 0:
        return image
    start, end = excess // 2, long - (excess - excess // 2)
    return image.crop((0, start, image.width, end) if image.height == long else (start, 0, end, image.height))
