"""Studies in Optuna's storage: told in order, gone on with, never evaluating a point twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.search.executors.here import Here
from edgesmith.search.storage import Patience, sqlite_url
from edgesmith.search.strategies.base import Result, Strategy, Trial
from edgesmith.search.strategies.table import make_strategy
from edgesmith.search.study import Outcome, Study
from tests.search.evaluations import SPACE, Synthetic, evaluated, judge, worth

QUICK = Patience(beat_s=1, grace_s=3, poll_s=0.02)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "evaluations.jsonl"


def open_study(folder: Path, strategy: Strategy | None = None, **options: object) -> Study:
    strategy = strategy or make_strategy("evolution", SPACE, seed=0)
    return Study(sqlite_url(folder / "study.db"), name="search", strategy=strategy, patience=QUICK, **options)  # type: ignore[arg-type]


def run(study: Study, evaluation: Synthetic, *, trials: int, batch: int = 4) -> Outcome:
    return study.run(evaluation, judge, trials=trials, batch=batch, executor=Here())


def by_hand(strategy: Strategy, *, trials: int, batch: int = 4) -> list[Trial]:
    """The loop without a study."""
    while len(strategy.history) < trials:
        points = strategy.ask(min(batch, trials - len(strategy.history)))
        strategy.tell([Trial(point=point, result=Result(score=worth(point))) for point in points])
    return strategy.history


@pytest.mark.parametrize("name", ["surrogate", "tpe", "reinforce"])
def test_a_study_tells_a_strategy_what_the_bare_loop_tells_it(name: str, tmp_path: Path, log: Path) -> None:
    outcome = run(open_study(tmp_path, make_strategy(name, SPACE, seed=3)), Synthetic(log=log), trials=18)
    expected = by_hand(make_strategy(name, SPACE, seed=3), trials=18)
    assert list(outcome.trials) == expected
    assert outcome.best is not None
    assert outcome.best.point == max(expected, key=lambda trial: trial.result.rank).point


def test_a_study_is_gone_on_with_and_nothing_is_evaluated_twice(tmp_path: Path, log: Path) -> None:
    for trials in (6, 15, 15):
        outcome = run(open_study(tmp_path), Synthetic(log=log), trials=trials)
        assert len(outcome.trials) == trials
    points = evaluated(log)
    assert len(points) == len(set(points)) == len(outcome.records)
