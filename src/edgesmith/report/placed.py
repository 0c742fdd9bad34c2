"""What a report says of answers for every place of a picture, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PlaceScore:
    """How one class fared pixel by pixel: intersection over union; None where neither truth nor answer has it."""

    name: str
    num_pixels: int
    iou: float | None


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """A picture with what the model saw in it, beside the truth.

    Args:
        answer: JPEG bytes of the picture under the model's answer.
        truth: JPEG bytes of it under its mask.
        iou: Mean intersection over union of this picture alone.
    """

    file: str
    answer: bytes
    truth: bytes
    iou: float


@dataclass(frozen=True, kw_only=True)
class ClassColour:
    """A class with its colour in overlays, as ``#rrggbb``."""

    name: str
    colour: str
