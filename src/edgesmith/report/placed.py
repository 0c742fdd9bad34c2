"""What a report says of answers for every place of a picture, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PlaceScore:
    """How one class fared, place by place.

    Args:
        count: Pixels or boxes of it.
        value: Intersection over union, or average precision; None where there was nothing to score.
    """

    name: str
    count: int
    value: float | None


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """A picture with what the model saw in it, beside the truth.

    Args:
        answer: JPEG bytes of the picture under the model's answer.
        truth: JPEG bytes of it under its mask.
        words: How this picture alone came out.
    """

    file: str
    answer: bytes
    truth: bytes
    words: str


@dataclass(frozen=True, kw_only=True)
class PlaceWords:
    """What the figures of places are called.

    Args:
        value: Of a class.
        count: Of what a class has.
        note: How to read them.
    """

    value: str
    count: str
    note: str


@dataclass(frozen=True, kw_only=True)
class ClassColour:
    """A class with its colour in overlays, as ``#rrggbb``."""

    name: str
    colour: str
