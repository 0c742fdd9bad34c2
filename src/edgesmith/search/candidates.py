"""The zoo's nets at widths and resolutions, and which of them are worth a measurement under a latency budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np

from edgesmith.arch.cost import count_total
from edgesmith.arch.edits.width import scale_width
from edgesmith.arch.space.parts import Side, shape_of
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError

NETS: Final = ("mobilenet_v3_small", "mobilenet_v3_large")
# So near one another that the widest within a budget uses most of it.
WIDTHS: Final = tuple(step / 20 for step in range(7, 26))
NARROWER: Final = tuple(width for width in reversed(WIDTHS) if 0.5 <= width < 1)
RESOLUTIONS: Final = (96, 128, 160, 192, 224)
Kind: TypeAlias = tuple[str, tuple[int, int]]
"""Name without options, and height and width in pixels."""

_MOST_DENSE_PIXELS: Final = 512 * 1024
_BOX_SIDES: Final = (384, 320, 256)
_DENSE_SHARES: Final = (1.0, 0.75, 0.5)


def zoo_grid(num_classes: int, *, resolutions: Sequence[Side] = RESOLUTIONS) -> tuple[NetSpec, ...]:
    """Every net of `NETS` at every width and resolution, the cheapest first."""
    specs = [
        find(f"{net}@width={width:g},resolution={side_text(resolution)}").with_num_classes(num_classes)
        for net in NETS
        for width in WIDTHS
        for resolution in resolutions
    ]
    return tuple(sorted(specs, key=lambda spec: count_total(spec).madds))


def side_text(side: Side) -> str:
    """As a zoo name has it: ``160``, or ``128x192``."""
    return str(side) if isinstance(side, int) else f"{side[0]}x{side[1]}"


def variants(spec: NetSpec, *, resolutions: Sequence[Side]) -> tuple[NetSpec, ...]:
    """One network at several resolutions and, where its blocks allow, narrower, the cheapest first."""
    nets = {spec.name: spec}
    for width in NARROWER:
        with suppress(SpecError):
            nets[f"{spec.name}@width={width:g}"] = scale_width(spec, width)
    named = [
        replace(
            net.with_resolution(*shape_of(side)),
            name=f"{name}{',' if '@' in name else '@'}resolution={side_text(side)}",
        )
        for name, net in nets.items()
        for side in resolutions
    ]
    return tuple(sorted(named, key=lambda each: count_total(each).madds))


def resolutions_for(short_side: float) -> tuple[int, ...]:
    """Resolutions that suit pictures of a typical short side, in pixels.

    Enlarging a picture far beyond its own pixels adds time and no detail; small pictures are still enlarged to 32
    pixels, below which the last feature map of a stride-32 net would be a single one.
    """
    usable = tuple(side for side in RESOLUTIONS if side <= 1.25 * short_side)
    if usable:
        return usable
    return (32,) if short_side <= 24 else (32, 64)


def shapes_for(shape: tuple[float, float]) -> tuple[tuple[int, int], ...]:
    """Resolutions for answers for places, of the pictures' own shape: whole, three quarters and half of their pixels.

    Args:
        shape: Typical height and width of pictures, in pixels.
    """
    height, width = shape
    scale = min(1.0, (_MOST_DENSE_PIXELS / (height * width)) ** 0.5)
    found = [
        tuple(max(32, round(side * scale * share / 16) * 16) for side in (height, width)) for share in _DENSE_SHARES
    ]
    return tuple(dict.fromkeys((tall, wide) for tall, wide in found))


def box_shapes_for(shape: tuple[float, float]) -> tuple[tuple[int, int], ...]:
    """Resolutions for detectors, of the pictures' own shape: with as many pixels as squares of some usual sides.

    Args:
        shape: Typical height and width of pictures, in pixels.
    """
    height, width = shape
    tall = min(2.0, max(0.5, height / width)) ** 0.5
    found = [(round(side * tall / 32) * 32, round(side / tall / 32) * 32) for side in _BOX_SIDES]
    return tuple(dict.fromkeys(found))


def anchors(grid: Sequence[NetSpec], count: int = 4) -> tuple[NetSpec, ...]:
    """Nets spread over the grid's costs, the cheapest and the dearest included, to fit a cost model on."""
    places = np.linspace(0, len(grid) - 1, num=min(count, len(grid))).round().astype(int)
    return tuple(grid[place] for place in dict.fromkeys(places.tolist()))


def shortlist(
    grid: Sequence[NetSpec], estimates_ms: Mapping[str, float], *, budget_ms: float, count: int
) -> tuple[NetSpec, ...]:
    """The most capable nets whose estimate is within the budget.

    For each net and resolution the widest that fits stands for the narrower ones; of those, the ``count`` with most
    multiply-adds are taken, the costliest first.

    Args:
        grid: What there is.
        estimates_ms: What each net of the grid is thought to take, or was measured to take, by name.
        budget_ms: The budget in milliseconds.
        count: How many to take at most.
    """
    best: dict[Kind, NetSpec] = {}
    for spec in sorted(grid, key=lambda spec: count_total(spec).madds):
        if estimates_ms[spec.name] <= budget_ms:
            best[kind_of(spec)] = spec
    return tuple(sorted(best.values(), key=lambda spec: -count_total(spec).madds)[:count])


def kind_of(spec: NetSpec) -> Kind:
    """What networks share that differ in width alone: the zoo's name and the resolution."""
    return spec.name.partition("@")[0], spec.resolution
