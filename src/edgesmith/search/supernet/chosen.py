"""The nets of a training step, as something that copies of a module share."""

from __future__ import annotations

from typing import Any, Self

from edgesmith.arch.space.choices import Encoding


class Chosen:
    """One object for a module and all its copies: the engine tells only the first of them where a run is.

    Attributes:
        points: The nets of the present step.
    """

    def __init__(self, points: tuple[Encoding, ...] = ()) -> None:
        self.points = points

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self
