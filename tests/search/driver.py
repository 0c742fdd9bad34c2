"""A study driven, or worked on, by a process of its own, which tests may kill.

python -m tests.search.driver URL LOG --executor processes:4
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from edgesmith.arch.space.choices import Encoding
from edgesmith.search.executors.here import Here
from edgesmith.search.executors.table import make_executor
from edgesmith.search.storage import Patience
from edgesmith.search.strategies.table import make_strategy
from edgesmith.search.study import Study
from tests.search.evaluations import SPACE, Macro, Synthetic, judge

PATIENCE: Final = Patience(beat_s=1, grace_s=60, poll_s=0.2)
STRATEGY: Final = "evolution"
BATCH: Final = 8


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("log", type=Path)
    parser.add_argument("--executor", default="here")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--deadly", action="append", default=[], help="a point that kills its worker once, as digits")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--grace", type=int, default=PATIENCE.grace_s)
    options = parser.parse_args()
    evaluation = evaluation_of(options.log, options.seconds, tuple(map(point_of, options.deadly)), options.table)
    study = open_study(options.url, replace(PATIENCE, grace_s=options.grace))
    executor = None if options.executor == "none" else make_executor(options.executor)
    if options.worker and executor is not None:
        study.work(evaluation, judge, executor=executor, idle_s=60)
    else:
        study.run(evaluation, judge, trials=options.trials, batch=BATCH, executor=executor)
    if executor is not None:
        executor.close()


def take_five(url: str, log: Path, tell: Connection) -> None:
    """Be a worker for five trials."""
    tell.send(open_study(url).work(Synthetic(log=log), judge, executor=Here(), limit=5, idle_s=60))


def open_study(url: str, patience: Patience = PATIENCE) -> Study:
    return Study(url, name="search", strategy=make_strategy(STRATEGY, SPACE, seed=0), patience=patience)


def evaluation_of(
    log: Path, seconds: float = 0.0, deadly: tuple[Encoding, ...] = (), table: Path | None = None
) -> Synthetic:
    once = tuple((point, 1) for point in deadly)
    if table is None:
        return Synthetic(log=log, seconds=seconds, deadly=once)
    return Macro(log=log, seconds=seconds, deadly=once, table=table)


def point_of(digits: str) -> Encoding:
    return tuple(map(int, digits))


if __name__ == "__main__":
    main()
