"""What the user's time buys: ``--effort`` and ``--time`` as seconds, and how a fit divides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edgesmith.core.table import lookup
from edgesmith.core.units import format_duration, parse_seconds

_MINUTES: Final[Mapping[str, float]] = MappingProxyType({"quick": 25, "standard": 120, "thorough": 480})
EFFORTS: Final = tuple(_MINUTES)
# A promise leaves room for what a forecast does not know.
PROMISED: Final = 0.9
FINISH_S: Final = 60.0
MAX_EPOCHS: Final = 300
_SEARCH_SHARE: Final = 0.4
_SEARCH_FROM_S: Final = 1800.0
_ADAPT_FROM_S: Final = 5400.0


@dataclass(frozen=True, kw_only=True)
class TimePlan:
    """Seconds for the parts of a fit.

    Attributes:
        total_s: The whole fit.
        search_s: The search's proxy trainings; 0 without a search.
        race_s: The race between candidates.
        finish_s: Kept back for export, scoring, measuring and the report.
        num_candidates: Nets that may enter the race.
    """

    total_s: float
    search_s: float
    race_s: float
    finish_s: float
    num_candidates: int


def allowed_seconds(effort: str, time: str | None) -> float:
    """What ``--effort`` or ``--time`` promises, in seconds.

    Raises:
        UsageError: The effort or the time is not one that we know.
    """
    promised = 60 * lookup(_MINUTES, effort, what="effort")
    return promised if time is None else parse_seconds(time)


def worth_a_search(effort: str, time: str | None) -> bool:
    """Whether there is time for more than the zoo: a search takes half an hour at least."""
    return allowed_seconds(effort, time) >= _SEARCH_FROM_S


def worth_adapting(effort: str, time: str | None) -> bool:
    """Whether there is time for NetAdapt behind a search: it tries dozens of networks at each step."""
    return allowed_seconds(effort, time) >= _ADAPT_FROM_S


def plan_time(effort: str, time: str | None, *, search: bool = False) -> TimePlan:
    """Divide what ``--effort`` or ``--time`` allows.

    Args:
        effort: As typed.
        time: As typed; None for the effort's.
        search: Whether there is a search.

    Raises:
        UsageError: The effort or the time is not one that we know.
    """
    total = PROMISED * allowed_seconds(effort, time)
    return TimePlan(
        total_s=total,
        search_s=_SEARCH_SHARE * total if search else 0.0,
        race_s=0.12 * total,
        finish_s=min(FINISH_S, 0.15 * total),
        num_candidates=3 if total < 1800 else 8,
    )


def announce_all(plan: TimePlan) -> str:
    """The forecast before anything is done, in one line: what the whole fit is to take at most."""
    searched = f"{format_duration(plan.search_s)} for the search, " if plan.search_s else ""
    return (
        f"forecast: {format_duration(plan.total_s)} in all at most: {searched}{format_duration(plan.race_s)} for the "
        "race, the rest mostly for the last training"
    )


def announce(plan: Mapping[str, float]) -> str:
    """What the forecast has become when the candidates are known, in one line.

    Args:
        plan: ``forecast_s``, ``race_s`` and ``train_s``.
    """
    return (
        f"forecast now: {format_duration(plan['forecast_s'])} in all, {format_duration(plan['race_s'])} for the race "
        f"and {format_duration(plan['train_s'])} for the winner's training"
    )
