"""Processes that know a study's URL alone find it, and evaluate what waits in it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edgesmith.core.errors import RunError
from edgesmith.search.executors.here import Here
from edgesmith.search.helping import Helper
from edgesmith.search.storage import Patience, sqlite_url
from edgesmith.search.strategies.table import make_strategy
from edgesmith.search.study import Outcome, Study
from tests.search.evaluations import SPACE, Synthetic, evaluated, judge

QUICK = Patience(beat_s=1, grace_s=3, poll_s=0.02)
TRIALS = 12
JOB = {"kind": "synthetic"}


class Driver(threading.Thread):
    """A search that leaves every evaluation to others."""

    def __init__(self, url: str, log: Path) -> None:
        super().__init__(daemon=True)
        self.url, self.log = url, log
        self.outcome: Outcome | None = None
        self.start()

    def run(self) -> None:
        strategy = make_strategy("evolution", SPACE, seed=0)
        study = Study(self.url, name="search", strategy=strategy, job=JOB, patience=QUICK)
        self.outcome = study.run(Synthetic(log=self.log), judge, trials=TRIALS, batch=4, executor=None)


def test_a_helper_evaluates_all_and_then_finds_nothing(tmp_path: Path) -> None:
    url, log = sqlite_url(tmp_path / "study.db"), tmp_path / "log.jsonl"
    driver = Driver(url, log)
    count = 0
    with Helper(url, patience=QUICK) as helper:
        while driver.is_alive():
            for wanted in helper.wanted():
                assert (wanted.study, wanted.job) == ("search", JOB)
                count += helper.help(wanted.study, SPACE, Synthetic(log=log), judge, Here())
            driver.join(timeout=0.02)
        assert helper.wanted() == ()
    assert driver.outcome is not None
    assert len(driver.outcome.trials) == TRIALS
    assert count == len(evaluated(log)) == len(driver.outcome.records)


def test_a_search_that_does_not_say_how_it_evaluates_wants_no_help(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "study.db")
    Study(url, name="silent", strategy=make_strategy("evolution", SPACE, seed=0), patience=QUICK)
    with Helper(url, patience=QUICK) as helper:
        assert helper.wanted() == ()


def test_a_storage_out_of_reach_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be opened"):
        Helper(sqlite_url(tmp_path / "nowhere" / "study.db"), patience=QUICK)
