"""Which space is searched: the one that was named, or the one around a network of the zoo."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from edgesmith.arch.space.parts import Side, shape_of
from edgesmith.arch.space.presets import SPACES, find_space, in_style
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup
from edgesmith.recipes.models import CLASSIFICATION
from edgesmith.recipes.search_wishes import AUTO


def space_for(
    name: str,
    zoo: Sequence[NetSpec],
    *,
    resolutions: Sequence[Side],
    num_classes: int,
    task: str = CLASSIFICATION,
) -> StagedSpace:
    """The space that was named, or the one around the first of some networks, with the heads of a task.

    Its networks have the padding and norms of the zoo's, so that these are points of it and weights mean the same.

    Raises:
        UsageError: It is unknown, or none of the networks has a space; names the choices.
    """
    if name == AUTO:
        name = next(filter(None, map(home_name, zoo)), "")
        if not name:
            names = ", ".join(spec.name.partition("@")[0] for spec in zoo)
            raise UsageError(f"there is no search space around {names}; choose one of {', '.join(SPACES)}")
    lookup(SPACES, name, what="search space")
    sides = sorted(resolutions, key=lambda side: prod(shape_of(side)))
    space = find_space(name, resolutions=sides, num_classes=num_classes, task=task)
    return in_style(space, padding=zoo[0].padding, preset=zoo[0].preset)


def home_name(spec: NetSpec) -> str:
    """Name of the space around a network; empty where there is none."""
    name = spec.name.partition("@")[0]
    return next((space for space in SPACES if name == space or name.endswith(f"_{space}")), "")
