"""The strategies by name. A new one is its module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.space.choices import Space
from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup
from edgesmith.search.strategies.base import Strategy
from edgesmith.search.strategies.controller import Controller
from edgesmith.search.strategies.evolution import RegularisedEvolution
from edgesmith.search.strategies.local import LocalSearch
from edgesmith.search.strategies.predicted import PredictedSearch
from edgesmith.search.strategies.random import RandomSearch
from edgesmith.search.strategies.reinforce import Reinforce
from edgesmith.search.strategies.sampler import Nsga2, Tpe
from edgesmith.search.strategies.surrogate import Surrogate

DEFAULT: Final = Surrogate.name

STRATEGIES: Final[Mapping[str, type[Strategy]]] = MappingProxyType(
    {
        each.name: each
        for each in (
            Surrogate,
            PredictedSearch,
            RandomSearch,
            LocalSearch,
            RegularisedEvolution,
            Tpe,
            Nsga2,
            Controller,
            Reinforce,
        )
    }
)


def make_strategy(name: str, space: Space, *, seed: int, num_goals: int = 1) -> Strategy:
    """A strategy by its name.

    Raises:
        UsageError: It is unknown; names the closest and all choices. Or it cannot raise so many goals side by side.
    """
    require_goals(name, num_goals)
    found = STRATEGIES[name]
    return found(space, seed=seed) if num_goals == 1 else found(space, seed=seed, num_goals=num_goals)


def require_goals(name: str, num_goals: int) -> None:
    """Refuse a strategy that is unknown, or cannot raise so many goals side by side.

    Raises:
        UsageError: Names the strategies that can.
    """
    if num_goals <= lookup(STRATEGIES, name, what="search strategy").most_goals:
        return
    able = [each.name for each in STRATEGIES.values() if each.most_goals >= num_goals]
    way = f"choose one of {', '.join(able)}" if able else "name fewer"
    raise UsageError(f"strategy {name} cannot raise {num_goals} objectives side by side; {way}")
