"""What a search came to, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.config import to_dict
from edgesmith.recipes.candidates import Measured
from edgesmith.recipes.net_forms import deployed
from edgesmith.recipes.space_latency import SpaceLatency
from edgesmith.search.limits import Limits
from edgesmith.tasks.figures import figure_for


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A candidate that was trained for a little.

    Attributes:
        spec: Its network.
        point: In the space.
        accuracy: The task's figure on the held-out part of train, 0..1.
        estimated_ms: Its latency as the space's model has it.
        by: The strategy that proposed it.
        low: Lower end of the accuracy's 95 % interval; None where it is not known.
        high: Upper end.
    """

    spec: NetSpec
    point: Encoding
    accuracy: float
    estimated_ms: float
    by: str
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Any]:
        """What the run folder keeps."""
        return {
            "spec": self.spec.to_json(),
            "point": list(self.point),
            "accuracy": self.accuracy,
            "estimated_ms": self.estimated_ms,
            "by": self.by,
            "low": self.low,
            "high": self.high,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(**{**data, "spec": NetSpec.from_json(data["spec"]), "point": tuple(data["point"])})


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A trained network whose weights candidates begin with.

    Attributes:
        bundle: Where it is.
        home: Name of the network of the zoo that the space is around.
        pictures: That it was trained on.
        seconds: That its training was to take.
        line: What it is, for people.
    """

    bundle: str
    home: str
    pictures: int
    seconds: float
    line: str


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search came to.

    Attributes:
        space: Where it looked.
        latency: What was known of latency there.
        plan: What the time was to buy, in one line.
        agreement: What the ranking of a supernet is worth, in one line; None without one.
        tried: Every candidate that was trained, in the order proposed; those of random search last.
        failed: Candidates that could not be evaluated, with why.
        finalists: The best ones within the limits by their measured latency, the best first.
        too_slow: Good ones that measured too slow after all.
        parent: Whose weights its networks begin with; None where they begin with what ``--weights`` names.
    """

    space: StagedSpace
    latency: SpaceLatency
    plan: str
    agreement: str | None
    tried: tuple[Tried, ...]
    failed: tuple[str, ...]
    finalists: tuple[Measured, ...]
    too_slow: tuple[Measured, ...]
    parent: Parent | None = None

    @property
    def task(self) -> str:
        """What its networks answer."""
        return self.tried[0].spec.head.task

    def to_json(self) -> tuple[dict[str, Any], ...]:
        """Every candidate as the documented JSON has it, in the order tried."""
        measured = {each.spec.name: each for each in (*self.finalists, *self.too_slow)}
        kept = {each.spec.name for each in self.finalists}
        return tuple(_candidate(each, measured.get(each.spec.name), each.spec.name in kept) for each in self.tried)

    def point_of(self, name: str) -> Encoding | None:
        """The point of a candidate by its network's name; None where it is none of this search's."""
        return next((each.point for each in self.tried if each.spec.name == name), None)


def rank(tried: Sequence[Tried], limits: Limits) -> list[Tried]:
    """Candidates within the limits by their estimates, each network once, the most accurate first."""
    once = {each.spec.name: each for each in tried}
    kept = [each for each in once.values() if limits.excess(each.spec, each.estimated_ms) <= 0]
    return sorted(kept, key=lambda each: (-each.accuracy, each.estimated_ms))


def _candidate(tried: Tried, measured: Measured | None, is_kept: bool) -> dict[str, Any]:
    return {
        "name": tried.spec.name,
        "model_hash": model_hash(deployed(tried.spec)),
        "metrics": {figure_for(tried.spec.head.task).key: tried.accuracy, "split": "held-out part of train"},
        "estimated_ms": tried.estimated_ms,
        "latency": [] if measured is None else [to_dict(measured.latency)],
        "accepted": is_kept,
        "by": tried.by,
    }
