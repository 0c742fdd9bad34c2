"""Networks that race in a fit, from the zoo and from a search: what each begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from edgesmith.arch.spec import NetSpec
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.engine.config import TrainConfig
from edgesmith.nn.build import Net
from edgesmith.recipes.candidates import Choice, Measured
from edgesmith.recipes.material import Material
from edgesmith.recipes.proxy import begin_point, start_for
from edgesmith.recipes.search_result import Search
from edgesmith.recipes.search_space import home_name
from edgesmith.recipes.start import Start, Starts, default_recipe
from edgesmith.recipes.train import named_recipe


class Contenders:
    """The zoo's networks that fit, and a search's finalists.

    Args:
        choice: What fits of the zoo.
        search: What a search found, if there was one.
        starts: What networks begin with where the search has no parent.
        material: The set.
        seed: Of what begins anew, and of trainings.
        count: How many of each may race.
        recipe: Name of the training recipe; None takes what suits the weights.
        settings: The user's of the recipe.
    """

    def __init__(
        self,
        choice: Choice,
        search: Search | None,
        starts: Starts,
        material: Material,
        *,
        seed: int,
        count: int,
        recipe: str | None = None,
        settings: Sequence[str] = (),
    ) -> None:
        self._search, self._own, self._material, self._seed = search, starts, material, seed
        self._recipe, self._settings = recipe, settings
        found = () if search is None else search.finalists[:count]
        parent = None if search is None else search.parent
        self._starts = starts if parent is None else Starts(parent.bundle, material=material)
        # Beside networks that inherit, those of another make, which begin anew, would lose whatever they can do.
        fitting = [each for each in choice.fitting if parent is None or home_name(each.spec) == parent.home]
        # In turn, so that neither is preferred where scores do not tell them apart.
        pairs = zip_longest(fitting[:count], found)
        self.measured: tuple[Measured, ...] = tuple(each for pair in pairs for each in pair if each is not None)
        self.specs: dict[str, NetSpec] = {each.spec.name: each.spec for each in self.measured}

    def ms_of(self, spec: NetSpec) -> float:
        """Upper end of a network's measured latency, in milliseconds."""
        return next(each.latency.high_ms for each in self.measured if each.spec.name == spec.name)

    def begin(self, spec: NetSpec) -> tuple[Net, Preprocessing]:
        """A network with its first weights, and the rule for its pictures."""
        point = None if self._search is None else self._search.point_of(spec.name)
        if self._search is None or point is None:
            return self._starts.of(spec).begin(spec, self._material, seed=self._seed)
        return begin_point(self._search.space, point, self._starts, self._material, seed=self._seed)

    def config(self, spec: NetSpec, pictures: int) -> TrainConfig:
        """The recipe of a network's training on so many pictures, as it suits the network and what it begins with."""
        name = self._recipe or default_recipe(self._start(spec, self._own), spec.head.task)
        named = named_recipe(name, self._settings, spec=spec, seed=self._seed)
        config = replace(named, pictures=max(pictures, named.batch_size))
        classes = self._material.dataset.classes
        return self._start(spec, self._starts).recipe(config, spec, self._settings, classes=classes)

    def rule(self, spec: NetSpec) -> Preprocessing:
        """From picture to input."""
        return self._start(spec, self._starts).rule(spec)

    def _start(self, spec: NetSpec, starts: Starts) -> Start:
        if self._search is not None and self._search.point_of(spec.name) is not None:
            return start_for(self._search.space, starts)
        return starts.of(spec)
