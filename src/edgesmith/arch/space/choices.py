"""A space as a row of choices: points, neighbours, mutation, crossover. It knows no networks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from edgesmith.core.errors import UsageError

Encoding: TypeAlias = tuple[int, ...]
"""For each choice of a space the number of its option."""


class Draws(Protocol):
    """Where chance comes from, such as a numpy generator."""

    def integers(self, high: int, /) -> Any:
        """A whole number from 0 on, below ``high``."""

    def random(self) -> float:
        """A number from 0 on, below 1."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One thing to decide.

    Attributes:
        name: Unique in its space, such as ``stage2.kernel``.
        options: What there is to choose from.
        ordered: Whether neighbouring options are alike, as widths are.
    """

    name: str
    options: tuple[Any, ...]
    ordered: bool = False

    def __post_init__(self) -> None:
        if not self.options:
            raise UsageError(f"choice {self.name} has no options")


@dataclass(frozen=True, kw_only=True)
class Need:
    """What must hold for a choice to have an effect, such as that its layer is there.

    Attributes:
        place: Number of another choice, which always has an effect.
        least: The lowest number of that choice's option under which it holds.
    """

    place: int
    least: int


class Space:
    """A row of choices. Some may be without effect at a point, such as the kernel of a layer that is not there."""

    def __init__(self, choices: Sequence[Choice], *, needs: Mapping[int, Need] = MappingProxyType({})) -> None:
        """Take the choices in order.

        Args:
            choices: All of them.
            needs: By the number of a choice, what must hold for it to have an effect; the others always have one.

        Raises:
            UsageError: Two have the same name.
        """
        names = [choice.name for choice in choices]
        if len(set(names)) < len(names):
            raise UsageError(f"two choices are called {next(name for name in names if names.count(name) > 1)}")
        self.choices = tuple(choices)
        self.needs = needs

    @property
    def size(self) -> int:
        """Number of points, those that differ in choices without effect included."""
        return math.prod(len(choice.options) for choice in self.choices)

    def allows(self, point: Encoding) -> bool:
        """Whether a point keeps the limits, if there are any: see `edgesmith.search.limited`."""
        del point
        return True

    def costs(self, points: Sequence[Encoding]) -> Sequence[float] | None:
        """What points cost, such as milliseconds, where that is known before anything is evaluated; else None."""
        del points
        return None

    def active(self, point: Encoding) -> tuple[bool, ...]:
        """For each choice whether it has an effect at a point."""
        used = [True] * len(self.choices)
        for place, need in self.needs.items():
            used[place] = point[need.place] >= need.least
        return tuple(used)

    def normal(self, point: Encoding) -> Encoding:
        """The point with the first option wherever a choice has no effect: equal for points of equal meaning."""
        self.check(point)
        return tuple(value if used else 0 for value, used in zip(point, self.active(point), strict=True))

    def check(self, point: Encoding) -> None:
        """Refuse what is no point of this space.

        Raises:
            UsageError: Names the choice and its options.
        """
        if len(point) != len(self.choices):
            raise UsageError(f"a point of this space has {len(self.choices)} numbers, got {len(point)}")
        for value, choice in zip(point, self.choices, strict=True):
            if not 0 <= value < len(choice.options):
                raise UsageError(f"{choice.name} has options 0 to {len(choice.options) - 1}, got {value}")

    def values(self, point: Encoding) -> dict[str, Any]:
        """The chosen options by the names of their choices."""
        return {choice.name: choice.options[value] for choice, value in zip(self.choices, point, strict=True)}

    def sample(self, rng: Draws) -> Encoding:
        """A point drawn evenly in every choice."""
        return self.normal(tuple(int(rng.integers(len(choice.options))) for choice in self.choices))

    def neighbours(self, point: Encoding) -> Iterator[Encoding]:
        """Points that differ in one choice that has an effect: by one step if it is ordered, else in any way."""
        for place, (choice, used) in enumerate(zip(self.choices, self.active(point), strict=True)):
            if not used:
                continue
            value, count = point[place], len(choice.options)
            others = (value - 1, value + 1) if choice.ordered else (other for other in range(count) if other != value)
            for other in others:
                if 0 <= other < count:
                    yield self.normal((*point[:place], other, *point[place + 1 :]))

    def mutate(self, point: Encoding, rng: Draws, *, changes: float = 1.0) -> Encoding:
        """Draw some choices that have an effect anew; at least one becomes another.

        Args:
            point: What is changed.
            rng: Draws.
            changes: How many choices are drawn anew on average.
        """
        places = [place for place, used in enumerate(self.active(point)) if used and self._options(place) > 1]
        if not places:
            return point
        certain = places[int(rng.integers(len(places)))]
        rate = min(1.0, max(0.0, (changes - 1) / max(1, len(places) - 1)))
        values = list(point)
        for place in places:
            count = self._options(place)
            if place == certain:
                values[place] = (values[place] + 1 + int(rng.integers(count - 1))) % count
            elif rng.random() < rate:
                values[place] = int(rng.integers(count))
        return self.normal(tuple(values))

    def crossover(self, first: Encoding, second: Encoding, rng: Draws) -> Encoding:
        """Each choice from one of two points, by the toss of a coin."""
        return self.normal(tuple(a if rng.random() < 0.5 else b for a, b in zip(first, second, strict=True)))

    def _options(self, place: int) -> int:
        return len(self.choices[place].options)
