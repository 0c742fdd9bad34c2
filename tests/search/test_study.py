"""Studies in Optuna's storage: told in order, gone on with, never evaluating a point twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna
import pytest

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.core.errors import RunError, UsageError
from edgesmith.search.executors.here import Here
from edgesmith.search.settle import Evaluate
from edgesmith.search.storage import Patience, sqlite_url
from edgesmith.search.strategies.base import Result, Strategy, Trial
from edgesmith.search.strategies.table import STRATEGIES, make_strategy
from edgesmith.search.study import Outcome, Study
from tests.search.evaluations import SPACE, Synthetic, evaluated, judge, worth

QUICKEST = ("evolution", "tpe")
QUICK = Patience(beat_s=1, grace_s=3, poll_s=0.02)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "evaluations.jsonl"


def open_study(folder: Path, strategy: Strategy | None = None, **options: Any) -> Study:
    strategy = strategy or make_strategy("evolution", SPACE, seed=0)
    return Study(sqlite_url(folder / "study.db"), name="search", strategy=strategy, patience=QUICK, **options)


def run(study: Study, evaluation: Synthetic, *, trials: int, batch: int = 4) -> Outcome:
    return study.run(evaluation, judge, trials=trials, batch=batch, executor=Here())


def by_hand(strategy: Strategy, *, trials: int, batch: int = 4) -> list[Trial]:
    """The loop without a study."""
    while len(strategy.history) < trials:
        points = strategy.ask(min(batch, trials - len(strategy.history)))
        strategy.tell([Trial(point=point, result=Result(score=worth(point))) for point in points])
    return strategy.history


@pytest.mark.parametrize(
    "name", [name if name in QUICKEST else pytest.param(name, marks=pytest.mark.slow) for name in STRATEGIES]
)
def test_a_study_in_two_goes_tells_a_strategy_what_the_bare_loop_tells_it(name: str, tmp_path: Path, log: Path) -> None:
    trials = 8 if name in QUICKEST else 24
    evaluation = Synthetic(log=log)
    run(open_study(tmp_path, make_strategy(name, SPACE, seed=3)), evaluation, trials=trials // 2)
    outcome = run(open_study(tmp_path, make_strategy(name, SPACE, seed=3)), evaluation, trials=trials)
    bare = make_strategy(name, SPACE, seed=3)
    assert list(outcome.trials) == by_hand(bare, trials=trials)
    assert outcome.best is not None
    assert outcome.best.point == bare.best().point
    assert len(evaluated(log)) == len(set(evaluated(log))) == len(outcome.records)


def test_a_finished_study_costs_nothing(tmp_path: Path, log: Path) -> None:
    first, second = (run(open_study(tmp_path), Synthetic(log=log), trials=5) for _ in range(2))
    assert first == second
    assert len(evaluated(log)) == 5


def test_points_to_start_from_come_first_and_count(tmp_path: Path, log: Path) -> None:
    starts = [(2, 2, 2, 2, 2, 2, 2, 2), (0, 2, 2, 2, 2, 2, 2, 2)]
    for trials in (6, 8):
        study = open_study(tmp_path)
        outcome = study.run(Synthetic(log=log), judge, trials=trials, batch=4, executor=Here(), starts=starts)
        assert [trial.point for trial in outcome.trials[:2]] == starts
        assert len(outcome.trials) == trials
    assert outcome.best is not None
    assert outcome.best.point == starts[1]
    assert len(evaluated(log)) == 8


def test_a_point_proposed_again_costs_nothing(tmp_path: Path, log: Path) -> None:
    starts = [(0,) * 8, (1,) * 8, (0,) * 8]
    study = open_study(tmp_path)
    outcome = study.run(Synthetic(log=log), judge, trials=3, batch=1, executor=Here(), starts=starts)
    assert [trial.point for trial in outcome.trials] == starts
    assert len(evaluated(log)) == len(outcome.records) == 2


def test_what_cannot_be_evaluated_is_told_as_the_worst_and_counted(tmp_path: Path, log: Path) -> None:
    plain = by_hand(make_strategy("evolution", SPACE, seed=0), trials=8)
    refused = plain[5].point
    for _ in range(2):
        outcome = run(open_study(tmp_path), Synthetic(log=log, refused=(refused,)), trials=8)
        assert [(each.point, each.failure) for each in outcome.failed] == [(refused, f"{refused} does not fit")]
        told = outcome.trials[5]
        assert (told.point, told.result.violation) == (refused, 1.0)
        assert told.result.score == min(trial.result.score for trial in plain[:4])
    assert evaluated(log).count(refused) == 1


def nothing_but_nan(point: Encoding) -> dict[str, float]:
    return {"accuracy": float("nan"), "ms": float(sum(point))}


def with_a_name_of_ours(point: Encoding) -> dict[str, float]:
    return {"accuracy": worth(point), "failure": 1.0}


@pytest.mark.parametrize(
    ("evaluation", "message"),
    [(nothing_but_nan, "accuracy is nan"), (with_a_name_of_ours, "may not call a number 'failure'")],
)
def test_an_answer_that_makes_no_sense_is_a_failure(evaluation: Evaluate, message: str, tmp_path: Path) -> None:
    outcome = open_study(tmp_path).run(evaluation, judge, trials=3, batch=3, executor=Here())
    assert outcome.best is None
    assert len(outcome.failed) == 3
    assert all(message in str(record.failure) for record in outcome.failed)


@pytest.mark.parametrize(
    ("strategy", "options", "difference"),
    [
        (make_strategy("evolution", SPACE, seed=1), {}, "seed 0, now 1"),
        (make_strategy("random", SPACE, seed=0), {}, "strategy 'evolution', now 'random'"),
        (make_strategy("evolution", Space(SPACE.choices[:7]), seed=0), {}, "space '[0-9a-f]{12}', now '[0-9a-f]{12}'"),
        (make_strategy("evolution", SPACE, seed=0), {"goals": ("a", "b")}, r"goals \[\], now \['a', 'b'\]"),
        (make_strategy("evolution", SPACE, seed=0), {"settings": {"epochs": 5}}, "epochs 4, now 5"),
    ],
)
def test_a_study_is_not_gone_on_with_as_another(
    strategy: Strategy, options: dict[str, Any], difference: str, tmp_path: Path
) -> None:
    open_study(tmp_path, settings={"epochs": 4})
    with pytest.raises(RunError, match=difference) as error:
        open_study(tmp_path, strategy, **{"settings": {"epochs": 4}} | options)
    assert "\n" not in str(error.value)


def test_a_strategy_that_has_changed_is_noticed(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(open_study(tmp_path), Synthetic(log=log), trials=8)
    study = open_study(tmp_path)
    monkeypatch.setattr(type(study.strategy), "propose", lambda self, count, rng: [(0,) * 8] * count)
    with pytest.raises(RunError, match="evolution no longer proposes what it did"):
        run(study, Synthetic(log=log), trials=8)


def test_a_strategy_that_was_told_something_begins_no_study(tmp_path: Path) -> None:
    strategy = make_strategy("evolution", SPACE, seed=0)
    strategy.tell([Trial(point=(0,) * 8, result=Result(score=0.0))])
    with pytest.raises(UsageError, match="fresh strategy"):
        open_study(tmp_path, strategy)


def test_the_latest_driver_drives(tmp_path: Path, log: Path) -> None:
    def rival() -> bool:
        if len(evaluated(log)) == 4:
            run(open_study(tmp_path), Synthetic(log=log), trials=8)
        return False

    with pytest.raises(RunError, match="another process drives the study search by now"):
        open_study(tmp_path).run(Synthetic(log=log), judge, trials=20, batch=4, executor=Here(), stop=rival)
    assert len(open_study(tmp_path).records()) == len(evaluated(log)) == 8


def test_a_search_may_be_told_to_propose_no_more(tmp_path: Path, log: Path) -> None:
    def enough() -> bool:
        return len(evaluated(log)) >= 8

    outcome = open_study(tmp_path).run(Synthetic(log=log), judge, trials=20, batch=4, executor=Here(), stop=enough)
    assert len(outcome.trials) == 8


def test_an_interrupted_trial_waits_for_whoever_comes(tmp_path: Path, log: Path) -> None:
    def interrupted(point: Encoding) -> dict[str, float]:
        if len(evaluated(log)) == 2:
            raise KeyboardInterrupt
        return Synthetic(log=log)(point)

    with pytest.raises(KeyboardInterrupt):
        open_study(tmp_path).run(interrupted, judge, trials=4, batch=4, executor=Here())
    states = [trial.state.name for trial in load(tmp_path).trials]
    assert states == ["COMPLETE", "COMPLETE", "WAITING", "WAITING"]
    run(open_study(tmp_path), Synthetic(log=log), trials=4)
    assert len(evaluated(log)) == 4


class Counter:
    """A progress that counts, and is its own stage."""

    def __init__(self) -> None:
        self.total: float | None = None
        self.done = 0.0
        self.details: list[str] = []

    def stage(self, title: str, total: float | None = None, unit: str = "") -> Counter:
        assert (title, unit) == ("search", "nets")
        self.total = total
        return self

    def note(self, text: str) -> None:
        raise AssertionError(text)

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *error: object) -> None: ...

    def advance(self, amount: float = 1, *, detail: str = "") -> None:
        self.done += amount
        self.details.append(detail)


def test_progress_ends_at_what_was_asked_for(tmp_path: Path, log: Path) -> None:
    starts = [(0,) * 8, (1,) * 8, (0,) * 8]
    for trials in (6, 8):
        counter = Counter()
        study = open_study(tmp_path)
        outcome = study.run(
            Synthetic(log=log), judge, trials=trials, batch=3, executor=Here(), starts=starts, progress=counter
        )
        assert counter.total == counter.done == trials
        assert counter.details[-1] == f"best {max(trial.result.score for trial in outcome.trials):.4g}"


def two_goals(values: Mapping[str, float]) -> Result:
    goals = (values["accuracy"], -values["parameters"])
    return Result(score=values["accuracy"], goals=goals, violation=max(0.0, values["parameters"] - 12))


def load(folder: Path) -> optuna.Study:
    return optuna.load_study(study_name="search", storage=sqlite_url(folder / "study.db"))


def test_optuna_finds_a_study_of_its_own(tmp_path: Path, log: Path) -> None:
    study = open_study(tmp_path, make_strategy("surrogate", SPACE, seed=0), goals=("accuracy", "fewness"))
    refused = (0,) * 8
    evaluation = Synthetic(log=log, refused=(refused,))
    outcome = study.run(evaluation, two_goals, trials=5, batch=4, executor=Here(), starts=[refused])
    seen = load(tmp_path)
    assert [direction.name for direction in seen.directions] == ["MAXIMIZE"] * 2
    assert seen.metric_names == ["accuracy", "fewness"]
    for trial, record in zip(seen.trials, outcome.records, strict=True):
        assert trial.params == SPACE.values(record.point)
        assert trial.distributions["layer1"] == optuna.distributions.CategoricalDistribution(("nothing", "3x3", "5x5"))
        assert {name: trial.user_attrs[name] for name in record.values} == record.values
        if record.point == refused:
            assert (trial.state.name, trial.user_attrs["failure"]) == ("FAIL", f"{refused} does not fit")
        else:
            assert tuple(trial.values) == two_goals(record.values).goals
            assert trial.system_attrs["constraints"] == [two_goals(record.values).violation]
    assert [len(told.result.goals) for told in outcome.trials] == [2] * 5


@pytest.mark.slow
def test_the_dashboard_shows_a_study(tmp_path: Path, log: Path) -> None:
    dashboard = pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    outcome = run(open_study(tmp_path), Synthetic(log=log), trials=6)
    app = dashboard.wsgi(optuna.storages.RDBStorage(sqlite_url(tmp_path / "study.db")))
    (summary,) = ask_page(app, "/api/studies")["study_summaries"]
    detail = ask_page(app, f"/api/studies/{summary['study_id']}")
    assert summary["study_name"] == "search"
    assert [trial["state"] for trial in detail["trials"]] == ["Complete"] * 6
    assert detail["best_trials"][0]["values"] == [max(trial.result.score for trial in outcome.trials)]
    assert {item["name"] for item in detail["union_search_space"]} == {choice.name for choice in SPACE.choices}


def ask_page(app: Any, path: str) -> Any:
    environment = {"PATH_INFO": path}
    setup_testing_defaults(environment)
    return json.loads(b"".join(app(environment, lambda *head: None)))
