"""Operations on feature maps that heads with an answer for every place are made of."""

from __future__ import annotations

from dataclasses import dataclass

from edgesmith.arch.anchors import AnchorScheme
from edgesmith.arch.names import Scores
from edgesmith.arch.operations import Bare
from edgesmith.arch.values import Value, Work


@dataclass(frozen=True)
class WindowMean(Bare):
    """Mean over windows of a height and a width; over all pixels where those are 0 or the map is smaller."""

    name: str
    inputs: tuple[Value]
    output: Value
    window: tuple[int, int]
    stride: tuple[int, int]

    def work(self) -> Work:
        """One operation for each element of each window."""
        height, width = self.window
        return Work(pool=self.output.size * height * width or self.inputs[0].size)


@dataclass(frozen=True)
class Resize(Bare):
    """Bilinear resize to the height and width of the second value, of which nothing else is read."""

    name: str
    inputs: tuple[Value, Value]
    output: Value
    align_corners: bool

    def work(self) -> Work:
        """One operation an element."""
        return Work(elementwise=self.output.size)


@dataclass(frozen=True)
class Multiply(Bare):
    """Element-wise product of two values; the second may be one pixel a channel."""

    name: str
    inputs: tuple[Value, Value]
    output: Value

    def work(self) -> Work:
        """One operation an element."""
        return Work(elementwise=self.output.size)


@dataclass(frozen=True)
class Anchored(Bare):
    """Answers of all maps in one list, one a box: offsets and logits of each map in turn, then the picture.

    Of the picture the size alone is read. As they are, answers hold four offsets, the box that they are relative to,
    and the logits; decoded, the corners of the box that was found, and scores.
    """

    name: str
    inputs: tuple[Value, ...]
    output: Value
    scheme: AnchorScheme
    scores: Scores
    decoded: bool

    def work(self) -> Work:
        """One operation an element."""
        return Work(elementwise=self.output.size)
