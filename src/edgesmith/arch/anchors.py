"""The boxes that a detector's answers are relative to: for every place of every map some shapes, as SSD has them.

Paper: Liu et al., "SSD: Single Shot MultiBox Detector", section 2.2; shapes and scales of TensorFlow's SSDLite
configurations for MobileNetV3 and of torchvision's, which differ on the first map alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final

_SMALLEST: Final = 0.2
_LARGEST: Final = 0.95
_RATIOS: Final = (2.0, 3.0)
_REDUCED: Final = ((0.1, 1.0), (0.2, 2.0), (0.2, 0.5))  # scale and ratio of the first map's boxes

Grid = tuple[int, int]
Anchor = tuple[float, float, float, float]


class AnchorScheme(StrEnum):
    """Whose boxes: TensorFlow has three a place on the first map, torchvision six everywhere."""

    TENSORFLOW = "tensorflow"
    TORCHVISION = "torchvision"


def count_anchors(scheme: AnchorScheme, num_maps: int) -> tuple[int, ...]:
    """Boxes a place, for each map."""
    return tuple(len(shapes) for shapes in _shapes(scheme, num_maps))


@lru_cache(maxsize=64)
def make_anchors(scheme: AnchorScheme, grids: tuple[Grid, ...], picture: Grid) -> tuple[Anchor, ...]:
    """All boxes in the order of the answers: map by map, row by row, place by place.

    Args:
        scheme: Whose.
        grids: Height and width of each map.
        picture: Height and width of the input. Scales are shares of its shorter side, so that a square box is one on
            any input.

    Returns:
        Centre x and y, width and height of each, as shares of the picture; sides are cut at 1.
    """
    tall, wide = (min(picture) / side for side in picture)
    made: list[Anchor] = []
    for (height, width), shapes in zip(grids, _shapes(scheme, len(grids)), strict=True):
        sides = [(min(1.0, across * wide), min(1.0, down * tall)) for across, down in shapes]
        made += [
            ((column + 0.5) / width, (row + 0.5) / height, across, down)
            for row in range(height)
            for column in range(width)
            for across, down in sides
        ]
    return tuple(made)


def _shapes(scheme: AnchorScheme, num_maps: int) -> Sequence[Sequence[tuple[float, float]]]:
    """Width and height of each map's boxes, as shares of the shorter side."""
    step = (_LARGEST - _SMALLEST) / max(1, num_maps - 1)
    scales = [_SMALLEST + step * number for number in range(num_maps)] + [1.0]
    found = []
    for scale, following in pairwise(scales):
        middle = math.sqrt(scale * following)
        shapes = [(scale, scale), (middle, middle)]
        for ratio in _RATIOS:
            longer, shorter = scale * math.sqrt(ratio), scale / math.sqrt(ratio)
            shapes += [(longer, shorter), (shorter, longer)]
        found.append(shapes)
    if scheme is AnchorScheme.TENSORFLOW:
        found[0] = [(scale * math.sqrt(ratio), scale / math.sqrt(ratio)) for scale, ratio in _REDUCED]
    return found
