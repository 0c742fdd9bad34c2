"""Steps of heads with an answer for every place, over a `Trace` like those of block kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edgesmith.arch.anchors import AnchorScheme, count_anchors
from edgesmith.arch.map_operations import Anchored, Multiply, Resize, WindowMean
from edgesmith.arch.names import Scores
from edgesmith.arch.trace import Trace, shape_text
from edgesmith.arch.values import Value
from edgesmith.core.errors import SpecError

_BOX: Final = 4


def window_mean(t: Trace, x: Value, *, name: str, window: int | tuple[int, int], stride: tuple[int, int]) -> Value:
    """Mean over windows without padding; over all pixels where ``window`` is 0 or does not fit."""
    rows, columns = (window, window) if isinstance(window, int) else window
    if min(rows, columns) > 0 and x.height >= rows and x.width >= columns:
        height, width = (x.height - rows) // stride[0] + 1, (x.width - columns) // stride[1] + 1
    else:
        rows, columns, height, width = 0, 0, 1, 1
    made = t.value(x.groups, height, width)
    t.operations.append(WindowMean(name, (x,), made, (rows, columns), stride))
    return made


def resize(t: Trace, x: Value, like: Value, *, name: str, align_corners: bool) -> Value:
    """Bilinear resize to another value's height and width; nothing where ``x`` has them."""
    if (x.height, x.width) == (like.height, like.width):
        return x
    made = t.value(x.groups, like.height, like.width)
    t.operations.append(Resize(name, (x, like), made, align_corners))
    return made


def multiply(t: Trace, x: Value, gate: Value, *, name: str) -> Value:
    """Product of two values of the same groups; the gate has as many pixels or one.

    Raises:
        SpecError: Groups or sizes differ.
    """
    if x.groups != gate.groups or (gate.height, gate.width) not in ((x.height, x.width), (1, 1)):
        raise SpecError(f"{name}: cannot multiply {shape_text(x)} by {shape_text(gate)}")
    made = t.value(x.groups, x.height, x.width)
    t.operations.append(Multiply(name, (x, gate), made))
    return made


def anchored(
    t: Trace,
    maps: Sequence[tuple[Value, Value]],
    picture: Value,
    *,
    name: str,
    scheme: AnchorScheme,
    scores: Scores,
    decoded: bool,
) -> Value:
    """Answers of all maps, ``(offsets, logits)`` each, in one list of boxes."""
    counts = count_anchors(scheme, len(maps))
    places = [offsets.height * offsets.width for offsets, _ in maps]
    slots = maps[0][1].channels // counts[0]
    number = sum(place * count for place, count in zip(places, counts, strict=True))
    made = t.open(slots + (_BOX if decoded else 2 * _BOX), number, 1)
    inputs = (*(value for pair in maps for value in pair), picture)
    t.operations.append(Anchored(name, inputs, made, scheme, scores, decoded))
    return made
