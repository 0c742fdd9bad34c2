"""Where a search begins: the zoo's networks that are points of its space, or points beside them within the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Final

from edgesmith.arch.space.choices import Encoding
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
    """Points to try first; with trained weights they are those that keep them whole, or nearly.

    Args:
        space: All points.
        limited: Those within the limits.
        zoo: Networks, the most capable first; others than the space's are passed over.
        count: How many at most.
    """
    found = dict.fromkeys(point for spec in zoo for point in _near(space, limited, spec))
    return tuple(islice(found, count))


def _near(space: StagedSpace, limited: LimitedSpace, spec: NetSpec) -> Iterator[Encoding]:
    """The network at each resolution of the space; where it exceeds the limits, some that differ in one choice."""
    frame = space.frame
    for side in reversed(frame.resolutions):
        alike = replace(
            spec.with_resolution(*shape_of(side)),
            num_classes=frame.num_classes,
            padding=frame.padding,
            preset=frame.preset,
        )
        with suppress(SpecError):
            point = space.normal(space.encode(alike))
            beside = (each for each in limited.neighbours(point) if space.decode(each).resolution == shape_of(side))
            yield from [point] if limited.allows(point) else islice(beside, _BESIDE)
