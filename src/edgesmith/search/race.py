"""Successive halving: give all a little, keep the best, give those more."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One round of a race.

    Attributes:
        num_runners: How many run.
        seconds: Training time that each is given on average.
    """

    num_runners: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far one runner came.

    Attributes:
        rung: Number of its last round, from 0.
        score: Its score there; more is better.
    """

    rung: int
    score: float


def plan_rungs(num_runners: int, seconds: float, *, eta: int = 3) -> tuple[Rung, ...]:
    """Rounds that share ``seconds`` equally, each keeping one runner in ``eta``.

    The last round has at least two runners, unless there is only one at all: then there is no race.

    Args:
        num_runners: How many start.
        seconds: For the whole race.
        eta: The reduction from round to round, and so how much more time each survivor gets.
    """
    if num_runners < 2:
        return ()
    counts = [num_runners]
    while counts[-1] > eta:
        counts.append(max(2, math.ceil(counts[-1] / eta)))
    return tuple(Rung(num_runners=count, seconds=seconds / len(counts) / count) for count in counts)


def race(
    runners: Sequence[str],
    rungs: Sequence[Rung],
    evaluate: Callable[[str, int, Rung], float],
    *,
    floor: float = -math.inf,
) -> tuple[str, Mapping[str, Standing]]:
    """Run the rounds and return the winner with everybody's standing.

    Args:
        runners: Names, in order of preference: of equal scores the earlier wins.
        rungs: From `plan_rungs`.
        evaluate: Score of a runner in a round; a score that is known from an interrupted race may be handed back.
        floor: Scores up to it are what one reaches who has learned nothing, and count as equal.
    """
    alive = list(runners)
    standings: dict[str, Standing] = {}
    for number, rung in enumerate(rungs):
        alive = alive[: rung.num_runners]
        for runner in alive:
            standings[runner] = Standing(rung=number, score=evaluate(runner, number, rung))
        alive.sort(key=lambda runner: -max(floor, standings[runner].score))
    return alive[0], standings
