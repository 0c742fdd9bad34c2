"""What is asked of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgesmith.core.config import to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.units import parse_bytes, parse_milliseconds
from edgesmith.data.sources import absolute_data
from edgesmith.devices.across import WORST, Target
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.search.limits import Limits


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """What is asked of a fit; all that decides its result.

    Attributes:
        data: As DATA of the command line.
        budget: Latency with a unit, such as ``5ms``.
        device: One device or several with commas between, as typed.
        across: How the latencies of several devices are one: ``worst`` or ``mean``.
        effort: ``quick``, ``standard`` or ``thorough``.
        time: Another limit of time, such as ``40m``; None for the effort's.
        recipe: Name of the training recipe; None takes ``finetune`` where there are weights, else ``small``.
        settings: ``key=value`` settings of the recipe.
        weights: What candidates begin with: see `edgesmith.recipes.start.open_start`.
        resolution: Only this input size in pixels; None tries several.
        seed: Decides splits, weights, order and augmentation.
        search: What is asked of a search beyond the zoo; None is content with the zoo.
        adapt: Whether a winner may be a little too slow, to be narrowed by NetAdapt onto the budget.
        int8: Whether an int8 file is made in the end, and kept if it is faster and loses little.
        max_size: Size of the weights with a unit, such as ``2MB``; None is no limit.
        max_memory: Peak of the activations with a unit; None is no limit.
        workers: Who tries the candidates of search and NetAdapt, as in `SearchWishes`; decides nothing of the result.
        teacher: A trained network that the last training learns from beside the labels, as of ``edgesmith train``.
        zoo: Whether networks of the zoo race beside what a search found; without them its finalists do alone.
        preset: The paper's way that this is a part of, as of `edgesmith.recipes.paper`; None for the usual one.
    """

    data: str
    budget: str
    device: str = "onnxruntime"
    across: str = WORST
    effort: str = "standard"
    time: str | None = None
    recipe: str | None = None
    settings: tuple[str, ...] = ()
    weights: str = "auto"
    resolution: int | None = None
    seed: int = 0
    search: SearchWishes | None = None
    adapt: bool = False
    int8: bool = False
    max_size: str | None = None
    max_memory: str | None = None
    workers: str | None = None
    teacher: str | None = None
    zoo: bool = True
    preset: str | None = None

    def __post_init__(self) -> None:
        SearchWishes(workers=self.workers)  # refuses an executor that nobody knows, even where nothing is searched
        for name, is_on in (("adapt", self.adapt), ("int8", self.int8)):
            if is_on and self.target.is_many:
                raise UsageError(f"--{name} is for one device, got --device {self.device}; add --no-{name} or name one")

    def settings_of_run(self) -> dict[str, Any]:
        """All that decides the result, for the run folder."""
        searched = None if self.search is None else self.search.settings()
        data = absolute_data(self.data)
        named = {name: value for name, value in to_dict(self).items() if name != "workers"}
        return named | {"verb": "fit", "data": data, "search": searched}

    @property
    def executor(self) -> str:
        """The executor of search and NetAdapt, with its argument."""
        return (self.search or SearchWishes(workers=self.workers)).executor

    @property
    def target(self) -> Target:
        """Where latency counts."""
        return Target(device=self.device, across=self.across)

    @property
    def verb(self) -> str:
        """The command that asks for this: what ``fit`` decides about a search by itself, ``search`` is told."""
        if self.search is None:
            return "fit"
        return "fit" if self.search.settings() == SearchWishes(if_worth=self.search.if_worth).settings() else "search"

    def limits(self) -> Limits:
        """The hard limits of what is returned.

        Raises:
            UsageError: One is no value with a unit.
        """
        return Limits(
            latency_ms=parse_milliseconds(self.budget),
            size_bytes=None if self.max_size is None else parse_bytes(self.max_size),
            memory_bytes=None if self.max_memory is None else parse_bytes(self.max_memory, what="--max-memory"),
        )
