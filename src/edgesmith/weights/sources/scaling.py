"""How the nets of TensorFlow's family want their pixels: one factor and one offset for all channels, as a rule."""

from __future__ import annotations

from dataclasses import replace

from edgesmith.data.preprocessing import Preprocessing


def affine(resolution: tuple[int, int], *, factor: float, offset: float) -> Preprocessing:
    """The usual resize and crop (256 for 224), then ``value * factor + offset``.

    Args:
        resolution: Height and width of the net's input in pixels.
        factor: On the 0..255 values.
        offset: Added afterwards.
    """
    rule = Preprocessing.for_resolution(*resolution)
    return replace(rule, scale=factor, mean=(-offset, -offset, -offset), std=(1.0, 1.0, 1.0))


def minus_one_to_one(resolution: tuple[int, int]) -> Preprocessing:
    """TensorFlow's ``value / 127.5 - 1``."""
    return affine(resolution, factor=1 / 127.5, offset=-1.0)
