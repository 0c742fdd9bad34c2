"""What a page sends back, checked to the last number before anything believes it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.core.units import format_duration
from edgesmith.devices.agent.protocol import Work
from edgesmith.devices.base import Array, Sample
from edgesmith.devices.browser.protocol import DTYPES, Envelope, Request
from edgesmith.devices.plan import Plan

_LONGEST_MS: Final = 3.6e6
_MOST_RUNS: Final = 10_000_000
_MOST_AXES: Final = 8
_SHOWN: Final = 300
# Few levels, so that the notes of many sessions are few.
_DRIFTS: Final = (1.1, 1.25, 1.5, 2.0)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What a page found when it timed files.

    Attributes:
        samples: Every stretch.
        first_runs_ms: For each subject the very first run after each loading.
        seconds: How long it took.
        reference_ms: The page's own fixed work, once before each loading and once at the end.
        dropped: Loadings that were thrown away and done again, because the page was hidden meanwhile.
        hidden_s: How long the page was hidden.
    """

    samples: tuple[Sample, ...]
    first_runs_ms: tuple[tuple[float, ...], ...]
    seconds: float
    reference_ms: tuple[float, ...]
    dropped: int
    hidden_s: float

    def notes(self, *, fastest_ms: float) -> tuple[str, ...]:
        """What the figures do not say.

        Args:
            fastest_ms: The fixed work at its fastest, in this and in earlier sessions.
        """
        found = []
        if self.dropped or self.hidden_s:
            found.append(
                f"the page was hidden for {format_duration(self.hidden_s)}: {self.dropped} "
                f"loading{'s' * (self.dropped != 1)} thrown away and done again"
            )
        drift = max(self.reference_ms) / fastest_ms
        passed = [level for level in _DRIFTS if drift > level]
        if passed:
            found.append(
                f"the page's own fixed work took over {passed[-1] - 1:.0%} longer than at its fastest: the device grew "
                "hot, or other work ran on it"
            )
        return tuple(found)


def check_result(envelope: Envelope, request: Request) -> None:
    """Refuse what is no result of a request.

    Raises:
        UsageError: Names what is wrong.
    """
    if "error" in envelope.head:
        page_error(envelope.head)
    elif request.work is Work.TIME:
        read_timing(envelope.head, request)
    else:
        read_outputs(envelope)


def page_error(head: Mapping[str, Any]) -> str:
    """What went wrong in the page, on one line of printable text.

    Raises:
        UsageError: It is no text.
    """
    text = head["error"]
    if not isinstance(text, str) or not text:
        raise UsageError("an error is a text")
    line = re.sub(r"\s+", " ", text[: 4 * _SHOWN]).strip()
    return "".join(each for each in line if each.isprintable())[:_SHOWN]


def read_timing(head: Mapping[str, Any], request: Request) -> Timing:
    """What the page timed.

    Raises:
        UsageError: A number is none, is not finite, is out of its range, or something is missing or too much.
    """
    plan = request.plan
    if plan is None:
        raise DeviceError("only timing has samples")
    subjects = len(request.models)
    rows = _rows(head.get("samples"), subjects * plan.loads * plan.max_rounds * plan.samples)
    samples = tuple(_sample(row, subjects, plan) for row in rows)
    _require_complete(samples, subjects, plan)
    first = _rows(head.get("first_runs_ms"), subjects)
    if len(first) != subjects or any(len(_list(each)) != plan.loads for each in first):
        raise UsageError("there is one first run for each subject and loading")
    reference = _rows(head.get("reference_ms"), plan.loads + 1)
    if len(reference) != plan.loads + 1:
        raise UsageError("the fixed work is done before each loading and at the end")
    return Timing(
        samples=samples,
        first_runs_ms=tuple(tuple(_number(value, "a first run", 0, _LONGEST_MS) for value in each) for each in first),
        seconds=_number(head.get("seconds"), "seconds", 0, 1e6),
        reference_ms=tuple(_number(value, "the fixed work", 1e-3, 1e5) for value in reference),
        dropped=_integer(head.get("dropped"), "dropped", 0, 1000),
        hidden_s=_number(head.get("hidden_s"), "hidden_s", 0, 1e6),
    )


def read_outputs(envelope: Envelope) -> tuple[Array, ...]:
    """The arrays of a run, in the file's order.

    Raises:
        UsageError: The bytes are not those of the arrays that are announced.
    """
    arrays: list[Array] = []
    start = 0
    for each in _rows(envelope.head.get("outputs"), 100):
        dtype = each.get("dtype") if isinstance(each, dict) else None
        if dtype not in DTYPES:
            raise UsageError(f"an output has one of the types {', '.join(DTYPES)}, got {str(dtype)[:40]!r}")
        axes = _list(each.get("shape"))
        if len(axes) > _MOST_AXES:
            raise UsageError(f"an output has at most {_MOST_AXES} axes, got {len(axes)}")
        shape = tuple(_integer(size, "a size", 0, 1 << 31) for size in axes)
        length = math.prod(shape) * np.dtype(dtype).itemsize
        if start + length > len(envelope.body):
            raise UsageError(f"an output of {length} bytes is cut short")
        arrays.append(np.frombuffer(envelope.body[start : start + length], dtype=dtype).reshape(shape).copy())
        start += length
    if start != len(envelope.body) or not arrays:
        raise UsageError("the bytes of a run are those of its outputs")
    return tuple(arrays)


def _sample(row: Any, subjects: int, plan: Plan) -> Sample:
    values = _list(row)
    if len(values) != 5:
        raise UsageError(f"a sample is subject, load, round, milliseconds and runs, got {len(values)} values")
    return Sample(
        subject=_integer(values[0], "a subject", 0, subjects - 1),
        load=_integer(values[1], "a load", 0, plan.loads - 1),
        round=_integer(values[2], "a round", 0, plan.max_rounds - 1),
        wall_ms=_number(values[3], "a sample", 1e-6, _LONGEST_MS),
        cpu_ms=None,
        runs=_integer(values[4], "runs", 1, _MOST_RUNS),
    )


def _require_complete(samples: Sequence[Sample], subjects: int, plan: Plan) -> None:
    """Every subject in every round of every load, and as many rounds of each subject in a load."""
    rounds: dict[int, dict[int, set[int]]] = {load: {} for load in range(plan.loads)}
    for sample in samples:
        rounds[sample.load].setdefault(sample.subject, set()).add(sample.round)
    for found in rounds.values():
        if len(found) != subjects or len({frozenset(each) for each in found.values()}) != 1:
            raise UsageError("each subject has samples in every round of every loading")


def _rows(value: Any, most: int) -> list[Any]:
    rows = _list(value)
    if not rows or len(rows) > most:
        raise UsageError(f"there are 1 to {most} entries, got {len(rows)}")
    return rows


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UsageError(f"a list is wanted, got {type(value).__name__}")
    return value


def _number(value: Any, what: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{what} is a number from {low:g} to {high:g}, got {str(value)[:40]}")
    return float(value)


def _integer(value: Any, what: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UsageError(f"{what} is a whole number from {low} to {high}, got {str(value)[:40]}")
    return value
