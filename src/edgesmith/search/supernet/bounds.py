"""The largest and the smallest net of a space, choice by choice."""

from __future__ import annotations

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.staged import StagedSpace


def largest_point(space: StagedSpace, *, like: Encoding | None = None) -> Encoding:
    """Every choice's largest option: most parameters, then most multiply-adds.

    Args:
        space: Whose.
        like: A point whose options are taken where several are equally large, such as activations; else the last is.
    """
    return _extreme(space, tuple(len(choice.options) - 1 for choice in space.choices), like, sign=1)


def smallest_point(space: StagedSpace, *, like: Encoding | None = None) -> Encoding:
    """Every choice's smallest option; see `largest_point`."""
    return space.normal(_extreme(space, (0,) * len(space.choices), like, sign=-1))


def _extreme(space: StagedSpace, point: Encoding, like: Encoding | None, *, sign: int) -> Encoding:
    for place, choice in enumerate(space.choices):
        sizes = [_size(space, (*point[:place], option, *point[place + 1 :])) for option in range(len(choice.options))]
        liked = point[place] if like is None else like[place]
        best = max(
            range(len(choice.options)),
            key=lambda option: (sign * sizes[option][0], sign * sizes[option][1], option == liked, option),
        )
        point = (*point[:place], best, *point[place + 1 :])
    return point


def _size(space: StagedSpace, point: Encoding) -> tuple[int, int]:
    cost = count_total(space.decode(point))
    return cost.parameters, cost.madds
