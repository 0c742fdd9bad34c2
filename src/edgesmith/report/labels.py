"""Where the words of a plot's most important point stand: beside or above it, where they hide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Of a letter of the label's 14 pixels, on the average, and how far it reaches above and below its baseline.
_LETTER_PX = 7.0
_ABOVE_PX = 12.0
_BELOW_PX = 4.0
_SHIFTS = {"start": 0.0, "middle": 0.5, "end": 1.0}


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle in pixels from the top left."""

    left: float
    top: float
    right: float
    bottom: float

    def shared_px(self, other: Box) -> float:
        """Area that both have in common, in square pixels."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        tall = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, tall)

    @property
    def area_px(self) -> float:
        """In square pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A place for words: where their baseline starts, is centred or ends."""

    x: float
    y: float
    anchor: str = "start"

    def box(self, words: str) -> Box:
        """The room that the words take there."""
        width = _LETTER_PX * len(words)
        left = self.x - _SHIFTS[self.anchor] * width
        return Box(left=left, right=left + width, top=self.y - _ABOVE_PX, bottom=self.y + _BELOW_PX)


def choose_spot(words: str, spots: Sequence[Spot], *, room: Box, taken: Sequence[Box]) -> Spot:
    """The first spot where the words stay in the room and on nothing that is taken; else the one where least is lost.

    Args:
        words: What is written.
        spots: The best ones first.
        room: What they must stay in.
        taken: Marks that they should not lie on.
    """

    def lost_px(spot: Spot) -> float:
        box = spot.box(words)
        return box.area_px - box.shared_px(room) + sum(box.shared_px(other) for other in taken)

    return min(spots, key=lost_px)
