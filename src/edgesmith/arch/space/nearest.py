"""The point of a space nearest to a network of the same make: a zoo's network at a width that no point has exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.parts import shape_of
from edgesmith.arch.space.presets import SEEDS, backbones_of
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError

# The width of a stage decides which expansions are near, and they count in its choice: the second turn settles both.
_TURNS: Final = 2
_WIDTHS: Final = (".width", ".expansion")
_OTHERS: Final = ("stem", "tail", "feature")


def nearest_point(space: StagedSpace, spec: NetSpec) -> Encoding:
    """The network's own point, or the one whose widths are nearest to its.

    Args:
        space: One around a network of the zoo.
        spec: That network at some width and resolution, with a head that the space has.

    Raises:
        SpecError: The network is of another make: more or other blocks, another head or a resolution of its own.
    """
    if space.contains(spec):
        return space.encode(spec)
    alike = [point for point in _of_seed(space, spec) if _make(space.decode(point)) == _make(spec)]
    if not alike:
        raise SpecError(f"{spec.name} is not in space {space.name}, nor is it its network at another width")
    found = (_settled(space, spec, point) for point in alike)
    return space.normal(min(found, key=lambda point: _distance(space.decode(point), spec)))


def _settled(space: StagedSpace, spec: NetSpec, point: Encoding) -> Encoding:
    """The point with the widths changed one by one to the nearest ones."""
    for _ in range(_TURNS):
        for place, choice in enumerate(space.choices):
            if choice.name.endswith(_WIDTHS) or choice.name in _OTHERS:
                changed = [(*point[:place], option, *point[place + 1 :]) for option in range(len(choice.options))]
                point = min(changed, key=lambda each: _distance(space.decode(each), spec))
    return point


def _of_seed(space: StagedSpace, spec: NetSpec) -> Iterator[Encoding]:
    """The stages of the network that the space is around, at ``spec``'s resolution, with heads that it may have."""
    if space.name not in SEEDS:
        raise SpecError(f"no network is known that the space {space.name} is around")
    if spec.resolution not in map(shape_of, space.frame.resolutions):
        raise SpecError(f"{spec.name} has a resolution that the space {space.name} has not")
    seed, home = find(SEEDS[space.name]), space
    endings: list[Mapping[str, Any]] = [{}]
    if space.frame.ending is not None:
        seed, home, endings = replace(seed, head=Classifier()), backbones_of(space), list(space.ending.read(spec))
    frame = home.frame
    alike = replace(
        seed.with_resolution(*spec.resolution),
        num_classes=frame.num_classes,
        padding=frame.padding,
        preset=frame.preset,
    )
    values = home.values(home.encode(alike))
    for ending in endings:
        chosen = values | dict(ending)
        yield tuple(choice.options.index(chosen[choice.name]) for choice in space.choices)


def _make(spec: NetSpec) -> list[tuple[str, object, object]]:
    """What does not depend on widths."""
    return [(block.kind, getattr(block, "kernel_size", None), getattr(block, "stride", None)) for block in spec.blocks]


def _distance(one: NetSpec, other: NetSpec) -> float:
    return sum(abs(math.log(a / b)) for a, b in zip(_widths(one), _widths(other), strict=True))


def _widths(spec: NetSpec) -> Iterator[int]:
    for block in spec.blocks:
        yield from (
            value for value in (getattr(block, "out_channels", 0), getattr(block, "expand_channels", 0)) if value
        )
    yield getattr(spec.head, "feature_channels", 0) or 1
