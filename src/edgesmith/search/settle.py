"""Evaluating what waits in a study, and storing what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from edgesmith.arch.space.choices import Encoding
from edgesmith.core.errors import EdgesmithError, RunError, UsageError
from edgesmith.search.executors.base import Done, Executor
from edgesmith.search.ledger import FAILURE, Claim, Ledger
from edgesmith.search.strategies.base import Result

Evaluate: TypeAlias = Callable[[Encoding], Mapping[str, float]]
"""Evaluates a point: named numbers, such as ``accuracy`` and ``ms``. It may run in another process, so it is a module's
function or a dataclass with ``__call__``; what it cannot evaluate it refuses with an `EdgesmithError`."""

Judge: TypeAlias = Callable[[Mapping[str, float]], Result]
"""What strategies see of those numbers: a pure function, applied again whenever a study is gone on with."""


def settle(
    ledger: Ledger, evaluate: Evaluate, judge: Judge, executor: Executor, *, limit: int | None = None
) -> Iterator[Claim]:
    """Evaluate trials that wait until none does; each is handed back when its result is stored.

    Whatever ends this early, claims that have no result are given back.

    Args:
        ledger: Gives the trials and takes the results.
        evaluate: See `Evaluate`.
        judge: See `Judge`.
        executor: Runs evaluations.
        limit: Take at most so many.
    """
    claimed: list[Claim] = []
    settled: set[int] = set()

    def points() -> Iterator[Encoding]:
        claims = ledger.claims()
        while limit is None or len(claimed) < limit:
            claim = next(claims, None)
            if claim is None:
                return
            claimed.append(claim)
            yield claim.point

    try:
        for done in executor.run(evaluate, points()):
            _store(ledger, claimed[done.number], done, judge)
            settled.add(done.number)
            yield claimed[done.number]
    finally:
        for number, claim in enumerate(claimed):
            if number not in settled:
                ledger.release(claim)


def _store(ledger: Ledger, claim: Claim, done: Done[Mapping[str, float]], judge: Judge) -> None:
    if done.answer is None:
        ledger.give_up(claim, done.failure or "it returned nothing")
        return
    try:
        values = _checked(done.answer)
        result = judge(values)
    except EdgesmithError as error:
        ledger.give_up(claim, str(error))
    else:
        ledger.finish(claim, values, result)


def _checked(answer: Mapping[str, float]) -> dict[str, float]:
    """The numbers of an evaluation.

    Raises:
        UsageError: A name is taken.
        RunError: One is not a number.
    """
    taken = [name for name in answer if name.startswith("_") or name == FAILURE]
    if taken:
        raise UsageError(f"an evaluation may not call a number {taken[0]!r}, which is a name of the study's own")
    values = {name: float(value) for name, value in answer.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise RunError(f"{name} is {value}")
    return values
