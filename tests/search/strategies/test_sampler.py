"""Optuna's samplers: a violated limit counts whatever the goals say."""

from __future__ import annotations

import numpy as np

from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.strategies.sampler import Nsga2
from tests.search.strategies.test_conformance import SPACE, worth

POINT = (2, 1, 1, 1, 0, 1, 2)


def test_of_two_goals_neither_outweighs_a_violated_limit() -> None:
    strategy = Nsga2(SPACE, seed=0, num_goals=2)
    results = [Result(score=1.0, goals=(9.0, 9.0), violation=violation) for violation in (1.0, 0.5)]
    worst, bad = (strategy.values(Trial(point=POINT, result=result)) for result in results)
    kept = strategy.values(Trial(point=POINT, result=Result(score=1.0, goals=(-500.0, 3.0))))
    assert kept == (-500.0, 3.0)
    assert np.all(np.less(worst, bad))
    assert np.all(np.less(bad, kept))


def test_nsga2_leaves_what_violates_though_both_goals_praise_it() -> None:
    """Goals grow with the last widths, whose sum may be 2 at most."""
    strategy = Nsga2(SPACE, seed=1, num_goals=2)
    for _ in range(40):
        points = strategy.ask(5)
        widths = [float(sum(point[4:])) for point in points]
        strategy.tell(
            [
                Trial(
                    point=point,
                    result=Result(score=worth(point), goals=(width, width), violation=max(0.0, width - 2)),
                )
                for point, width in zip(points, widths, strict=True)
            ]
        )
    violated = [trial.result.violation > 0 for trial in strategy.history]
    assert sum(violated[-60:]) < 0.5 * sum(violated[:60])
