"""What the boxes or the masks of a set are like: how many, how large, how much of the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgesmith.data.samples import Box

Quarters: TypeAlias = tuple[float, float, float, float, float]
"""The least, a quarter of the way, the median, three quarters, the most."""


@dataclass(frozen=True, kw_only=True)
class BoxFigures:
    """Of the boxes in all pictures that can be used; crowds are counted and otherwise left out.

    Args:
        num_boxes: Without crowds.
        num_crowds: Boxes that stand for many objects.
        per_picture: Boxes in a picture: the least, the median, the most.
        widths: In pixels of the pictures; None where there are no boxes, and so on.
        heights: In pixels.
        areas: Shares of the picture's area, 0..1.
        aspects: Width over height.
    """

    num_boxes: int
    num_crowds: int
    per_picture: tuple[int, int, int]
    widths: Quarters | None
    heights: Quarters | None
    areas: Quarters | None
    aspects: Quarters | None


@dataclass(frozen=True, kw_only=True)
class PixelFigures:
    """Of the masks of all pictures that can be used.

    Args:
        classes: Share of each class in all pixels that have one, 0..1.
        ignored: Share of pixels that count in nothing in all pixels, 0..1.
    """

    classes: Mapping[str, float]
    ignored: float


def figures_of_boxes(pictures: Sequence[tuple[Sequence[Box], tuple[int, int]]]) -> BoxFigures:
    """Figures of the boxes of pictures, each with its width and height in pixels."""
    measures, counts, num_crowds = [np.empty((0, 3))], [], 0
    for boxes, (width, height) in pictures:
        plain = [box for box in boxes if not box.crowd]
        counts.append(len(plain))
        num_crowds += len(boxes) - len(plain)
        sides = np.array([(box.right - box.left, box.bottom - box.top) for box in plain]).reshape(-1, 2)
        measures.append(np.column_stack([sides * (width, height), sides.prod(axis=1)]))
    widths, heights, areas = np.concatenate(measures).T
    least, median, most = np.percentile(counts or [0], (0, 50, 100), method="nearest").astype(int).tolist()
    return BoxFigures(
        num_boxes=len(widths),
        num_crowds=num_crowds,
        per_picture=(least, median, most),
        widths=_quarters(widths),
        heights=_quarters(heights),
        areas=_quarters(areas),
        aspects=_quarters(widths / heights),
    )


def figures_of_pixels(pictures: Sequence[Sequence[int]], classes: Sequence[str]) -> PixelFigures:
    """Figures of masks, each as its pixels by class, and last those of none."""
    counts = np.array(pictures, dtype=np.int64).reshape(-1, len(classes) + 1).sum(axis=0)
    known, total = max(1, int(counts[:-1].sum())), max(1, int(counts.sum()))
    shares = {name: int(count) / known for name, count in zip(classes, counts[:-1], strict=True)}
    return PixelFigures(classes=shares, ignored=int(counts[-1]) / total)


def _quarters(values: NDArray[np.float64]) -> Quarters | None:
    if not len(values):
        return None
    least, low, median, high, most = np.percentile(values, (0, 25, 50, 75, 100)).tolist()
    return least, low, median, high, most
