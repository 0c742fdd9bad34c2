"""Studies whose workers and drivers are killed: they end with the nets of a study that nobody disturbed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from edgesmith.arch.space.choices import Encoding
from edgesmith.search.executors.here import Here
from edgesmith.search.executors.table import make_executor
from edgesmith.search.storage import open_storage, sqlite_url
from edgesmith.search.strategies.base import Trial
from edgesmith.search.strategies.table import make_strategy
from edgesmith.search.study import Outcome
from tests.search.driver import BATCH, PATIENCE, STRATEGY, evaluation_of, open_study, take_five
from tests.search.evaluations import SPACE, Synthetic, evaluated, judge

pytestmark = pytest.mark.slow

TRIALS = 24

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "evaluations.jsonl"


@pytest.fixture
def start(log: Path) -> Iterator[Start]:
    """Starts drivers and workers, and ends what is left of them."""
    started = []

    def begin(url: str, *arguments: str) -> subprocess.Popen[str]:
        root = Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
        command = [sys.executable, "-m", "tests.search.driver", url, str(log), *arguments]
        started.append(subprocess.Popen(command, env=environment, cwd=root, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def undisturbed(evaluation: Synthetic, trials: int = TRIALS) -> list[Trial]:
    """What the bare loop is told, without a study, an executor or anybody killed."""
    strategy = make_strategy(STRATEGY, SPACE, seed=0)
    while len(strategy.history) < trials:
        points = strategy.ask(min(BATCH, trials - len(strategy.history)))
        strategy.tell([Trial(point=point, result=judge({"accuracy": evaluation.accuracy(point)})) for point in points])
    return strategy.history


def digits(point: Encoding) -> str:
    return "".join(map(str, point))


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def has_begun(log: Path, count: float) -> bool:
    return len(set(evaluated(log))) > count


def disturb(
    url: str, log: Path, start: Start, executor: str, table: Path | None, trials: int, shares: Sequence[float]
) -> None:
    """Kill workers and drivers, end the study, and compare."""
    expected = undisturbed(evaluation_of(log, table=table), trials)
    deadly = (expected[3].point, expected[trials // 2].point)
    options = ["--executor", executor, "--trials", str(trials), "--seconds", "0.1"]
    options += [text for point in deadly for text in ("--deadly", digits(point))]
    options += [] if table is None else ["--table", str(table)]
    known: set[Encoding] = set()
    for share in shares:
        begun = len(evaluated(log))
        driver = start(url, *options)
        wait_for(partial(has_begun, log, share * trials))
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        assert not known & set(evaluated(log)[begun:])
        known = {record.point for record in open_study(url).records()}
    begun = len(evaluated(log))
    workers = make_executor(executor)
    outcome: Outcome = open_study(url).run(
        evaluation_of(log, 0.0, deadly, table), judge, trials=trials, batch=BATCH, executor=workers
    )
    workers.close()
    assert list(outcome.trials) == expected
    assert outcome.failed == ()
    assert {record.point for record in outcome.records} == set(evaluated(log)) == {each.point for each in expected}
    assert known
    assert not known & set(evaluated(log)[begun:])


def test_killed_workers_and_drivers_leave_no_trace(tmp_path: Path, log: Path, start: Start) -> None:
    disturb(sqlite_url(tmp_path / "study.db"), log, start, "processes:4", None, TRIALS, [0.5])


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["sqlite", "postgresql"])
@pytest.mark.parametrize("executor", ["processes:4", "ray"])
def test_killed_workers_and_drivers_leave_no_trace_on_a_published_table(
    storage: str,
    executor: str,
    tmp_path: Path,
    log: Path,
    start: Start,
    shared_dir: Path,
    request: pytest.FixtureRequest,
) -> None:
    if executor == "ray":
        pytest.importorskip("ray", reason="ray is not installed")
    table = shared_dir / "data/nas-bench-macro/nas-bench-macro_cifar10.json"
    url = sqlite_url(tmp_path / "study.db")
    if storage == "postgresql":
        url = request.getfixturevalue("postgres_url")()
    disturb(url, log, start, executor, table, 60, [0.3, 0.6])


def test_case_a6_a_killed_trial_is_found_and_the_count_is_as_asked(tmp_path: Path, log: Path, start: Start) -> None:
    """The process that runs a trial is killed, and with it the only one that knows; a restart makes up for it."""
    url = sqlite_url(tmp_path / "study.db")
    lone = start(url, "--trials", "5", "--seconds", "0.3")
    wait_for(lambda: len(evaluated(log)) == 3)
    lone.send_signal(signal.SIGKILL)
    lone.wait()
    outcome = open_study(url).run(Synthetic(log=log), judge, trials=5, batch=BATCH, executor=Here())
    states = states_of(url)
    assert states == ["COMPLETE"] * 5
    assert len(outcome.records) == len({record.point for record in outcome.records}) == 5
    assert 5 <= len(evaluated(log)) <= 6  # the one killed, unless it was just between two


@pytest.mark.slow
def test_case_a6_a_killed_workers_trial_is_retried(tmp_path: Path, log: Path, start: Start) -> None:
    """A worker dies; the driver notices that it gives no sign of life, and another worker takes its trial."""
    url = sqlite_url(tmp_path / "study.db")
    driver = start(url, "--trials", "4", "--executor", "none", "--grace", "10")
    lost = start(url, "--worker", "--seconds", "60")
    wait_for(lambda: len(evaluated(log)) == 1)
    lost.send_signal(signal.SIGKILL)
    start(url, "--worker")
    assert driver.wait(180) == 0
    assert sorted(states_of(url)) == ["COMPLETE"] * 4 + ["FAIL"]
    assert len(evaluated(log)) == 5
    assert set(evaluated(log)[1:]) == {record.point for record in open_study(url).records()}


@pytest.mark.parametrize("storage", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_case_a7_eight_workers_share_a_new_study(
    storage: str, tmp_path: Path, log: Path, start: Start, request: pytest.FixtureRequest
) -> None:
    """Nine processes make one study at the same time; eight take five trials each."""
    url = sqlite_url(tmp_path / "study.db")
    if storage == "postgresql":
        url = request.getfixturevalue("postgres_url")()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["optuna.storages._rdb.storage", "sqlalchemy.dialects.sqlite", "numpy"])
    pipes = [context.Pipe() for _ in range(8)]
    workers = [context.Process(target=take_five, args=(url, log, theirs)) for _, theirs in pipes]
    for worker in workers:
        worker.start()
    outcome = open_study(url).run(Synthetic(log=log), judge, trials=40, batch=40, executor=None)
    assert [ours.recv() for ours, _ in pipes] == [5] * 8
    for worker in workers:
        worker.join()
    assert states_of(url) == ["COMPLETE"] * 40
    assert [record.number for record in outcome.records] == list(range(40))
    assert len(evaluated(log)) == len(set(evaluated(log))) == 40
    assert {trial.point for trial in outcome.trials} == set(evaluated(log))


def states_of(url: str) -> list[str]:
    """As Optuna itself reads them."""
    import optuna

    study = optuna.load_study(study_name="search", storage=open_storage(url, PATIENCE))
    return [trial.state.name for trial in study.trials]
