"""What a search can raise or lower side by side: the goals of a front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

ACCURACY: Final = "accuracy"

# By name: the number of an evaluation, and whether more (1) or less (-1) of it is better.
GOALS: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        ACCURACY: ("accuracy", 1),
        "latency": ("ms", -1),
        "parameters": ("parameters", -1),
        "memory": ("peak_bytes", -1),
        "madds": ("madds", -1),
    }
)


def goals_of(names: Sequence[str], values: Mapping[str, float]) -> tuple[float, ...]:
    """Goals of an evaluation, each to be raised; none where there is but one name: its score says it.

    Args:
        names: In the table.
        values: The numbers of the evaluation.
    """
    if len(names) < 2:
        return ()
    return tuple(sign * values[key] for key, sign in (GOALS[name] for name in names))
