"""The searches of other libraries by name: those of Optuna and pymoo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import optuna_side
import pymoo_side

from edgesmith.arch.space.choices import Encoding

Optimize: TypeAlias = Callable[..., tuple[list[Encoding], list[list[float]]]]

PEERS: Final[Mapping[str, Optimize]] = MappingProxyType(
    dict.fromkeys(optuna_side.SAMPLERS, optuna_side.optimize)
    | dict.fromkeys(pymoo_side.ALGORITHMS, pymoo_side.optimize)
)
ONE_GOAL: Final = (*optuna_side.SAMPLERS, "pymoo ga", "pymoo ga, population 20")
TWO_GOALS: Final = (
    "optuna nsga2",
    "optuna nsga2, population 20",
    "optuna random",
    "pymoo nsga2",
    "pymoo nsga2, population 20",
)
