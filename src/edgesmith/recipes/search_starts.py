"""Where a search begins: the zoo's networks that are points of its space, or points beside them within the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from typing import Final

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.nearest import nearest_point
from edgesmith.arch.space.parts import shape_of
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError
from edgesmith.search.limited import LimitedSpace

MOST: Final = 8
_BESIDE: Final = 2


def starting_points(
    space: StagedSpace, limited: LimitedSpace, zoo: Sequence[NetSpec], *, count: int = MOST
) -> tuple[Encoding, ...]:
    """Points to try first: each network at its own resolution, then at the others of the space.

    With trained weights they are those that keep them whole, or nearly.

    Args:
        space: All points.
        limited: Those within the limits.
        zoo: Networks, the best first; of another make than the space's they are passed over.
        count: How many at most.
    """
    own = (point for spec in zoo for point in _near(space, limited, spec))
    others = (
        point
        for spec in zoo
        for side in reversed(space.frame.resolutions)
        if shape_of(side) != spec.resolution
        for point in _near(space, limited, spec.with_resolution(*shape_of(side)))
    )
    found: dict[Encoding, None] = {}
    for point in chain(own, others):
        if len(found) == count:
            break
        found[point] = None
    return tuple(found)


def _near(space: StagedSpace, limited: LimitedSpace, spec: NetSpec) -> Iterator[Encoding]:
    """The point nearest to a network; where it exceeds the limits, some that differ in one choice."""
    frame = space.frame
    alike = replace(spec, num_classes=frame.num_classes, padding=frame.padding, preset=frame.preset)
    with suppress(SpecError):
        point = nearest_point(space, alike)
        beside = (each for each in limited.neighbours(point) if space.decode(each).resolution == spec.resolution)
        yield from [point] if limited.allows(point) else islice(beside, _BESIDE)
