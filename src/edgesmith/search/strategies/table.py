"""The strategies by name. A new one is its module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.space.choices import Space
from edgesmith.core.table import lookup
from edgesmith.search.strategies.base import Strategy
from edgesmith.search.strategies.controller import Controller
from edgesmith.search.strategies.evolution import RegularisedEvolution
from edgesmith.search.strategies.local import LocalSearch
from edgesmith.search.strategies.random import RandomSearch
from edgesmith.search.strategies.reinforce import Reinforce
from edgesmith.search.strategies.sampler import Nsga2, Tpe
from edgesmith.search.strategies.surrogate import Surrogate

DEFAULT: Final = Surrogate.name

STRATEGIES: Final[Mapping[str, type[Strategy]]] = MappingProxyType(
    {
        each.name: each
        for each in (Surrogate, RandomSearch, LocalSearch, RegularisedEvolution, Tpe, Nsga2, Controller, Reinforce)
    }
)


def make_strategy(name: str, space: Space, *, seed: int) -> Strategy:
    """A strategy by its name.

    Raises:
        UsageError: It is unknown; names the closest and all choices.
    """
    return lookup(STRATEGIES, name, what="search strategy")(space, seed=seed)
