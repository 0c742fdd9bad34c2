"""A search that many processes share, that survives any of them, and that can be gone on with at any time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from edgesmith.arch.space.choices import Encoding
from edgesmith.core.errors import RunError, UsageError
from edgesmith.core.progress import SILENT, Progress, Stage
from edgesmith.search.executors.base import Executor
from edgesmith.search.heartbeat import Heartbeat
from edgesmith.search.helping import JOB
from edgesmith.search.labels import fingerprint
from edgesmith.search.ledger import Batch, Ledger, Record
from edgesmith.search.settle import Evaluate, Judge, settle
from edgesmith.search.storage import Patience, open_storage, quiet_optuna, without_password
from edgesmith.search.strategies.base import Strategy, Trial, worst_result

if TYPE_CHECKING:
    import optuna
    from optuna.storages import RDBStorage

_SETTINGS: Final = "settings"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a search came to.

    Attributes:
        best: What the strategy hands over; None where nothing could be evaluated or all exceed the limits.
        records: Of all points evaluated, in the order of their trials.
        trials: What the strategy was told, in order: repeated points again, failed ones as worst results.
    """

    best: Record | None
    records: tuple[Record, ...]
    trials: tuple[Trial, ...]

    @property
    def failed(self) -> tuple[Record, ...]:
        """Points that could not be evaluated."""
        return tuple(record for record in self.records if record.failure is not None)


class Study:
    """A strategy at work, in Optuna's storage.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://...``; see `sqlite_url`.
        name: Of the study in the storage.
        strategy: Fresh; its space and seed are the study's.
        goals: Names of what `Result.goals` holds; none where there is one score.
        settings: Whatever else decides what an evaluation gives, as JSON values.
        job: How points are evaluated, as JSON values, for processes that know nothing but the URL; see
            `edgesmith.search.helping.Helper`.
        patience: How long is waited for others.

    Raises:
        UsageError: The URL is no study's, or the strategy was told something already.
        RunError: The storage cannot be reached, or the study in it was begun with other settings.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        strategy: Strategy,
        goals: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
        job: Mapping[str, Any] | None = None,
        patience: Patience | None = None,
    ) -> None:
        if strategy.history:
            raise UsageError("a study begins with a fresh strategy; give points to start from to Study.run")
        self.url = url
        self.name = name
        self.strategy = strategy
        self.goals = tuple(goals)
        self._patience = patience or Patience()
        self._storage = open_storage(url, self._patience)
        self._study = _open_study(self._storage, name, self.goals)
        self._num_batches = 0
        self._require_settings(
            {
                "strategy": strategy.name,
                "seed": strategy.seed,
                "space": fingerprint(strategy.space),
                "goals": list(self.goals),
                **(settings or {}),
            }
        )
        if job is not None:
            self._study.set_user_attr(JOB, job)
        with quiet_optuna():
            self._study.set_metric_names(list(self.goals) or ["score"])

    def run(
        self,
        evaluate: Evaluate,
        judge: Judge,
        *,
        trials: int,
        batch: int,
        executor: Executor | None,
        starts: Sequence[Encoding] = (),
        progress: Progress = SILENT,
        stop: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        """Drive the study until so many points were proposed, going on where an earlier process stopped.

        The strategy is told a batch once all of it is evaluated, in the order asked for. So what it proposes does not
        depend on who evaluated what, how fast, or how often somebody was killed.

        Args:
            evaluate: See `Evaluate`.
            judge: See `Judge`.
            trials: Points in all, those of earlier runs and repeated ones included.
            batch: How many are asked for at a time; what earlier runs asked for stays as it is.
            executor: Runs evaluations; None leaves all to workers elsewhere.
            starts: Points evaluated before the first is asked for.
            progress: Shown how many are done.
            stop: Asked before each batch: whether to propose no more.

        Raises:
            RunError: Another process drives the study by now, or the strategy no longer proposes what it did.
        """
        with self._ledger("driver") as ledger, progress.stage("search", total=trials, unit="nets") as stage:
            ledger.take_over()
            stored = ledger.batches()
            bar = _Bar(stage)
            while True:
                number = self._num_batches
                if number < len(stored):
                    self._replay(stored[number])
                else:
                    following = self._next(trials, batch, starts if number == 0 else (), stop)
                    if following is None:
                        break
                    ledger.add_batch(number, following)
                    stored.append(following)
                self._evaluate(stored[number].points, ledger, evaluate, judge, executor, bar)
                self._tell(stored[number].points, ledger.records(), judge)
                bar.told(self.strategy.history)
            ledger.finish_study()
            return self._outcome(ledger.records())

    def work(
        self,
        evaluate: Evaluate,
        judge: Judge,
        *,
        executor: Executor,
        limit: int | None = None,
        idle_s: float = math.inf,
        progress: Progress = SILENT,
    ) -> int:
        """Evaluate what the driver asks for, until it is finished.

        Args:
            evaluate: As the driver's.
            judge: As the driver's.
            executor: Runs evaluations.
            limit: Take at most so many trials.
            idle_s: Leave after so many seconds without a trial to take.
            progress: Shown how many are done.

        Returns:
            How many trials were taken.
        """
        taken, idle_since = 0, time.monotonic()
        with self._ledger("worker") as ledger, progress.stage("evaluate", total=limit, unit="nets") as stage:
            while limit is None or taken < limit:
                for _ in settle(ledger, evaluate, judge, executor, limit=None if limit is None else limit - taken):
                    taken, idle_since = taken + 1, time.monotonic()
                    stage.advance()
                if ledger.finished or time.monotonic() - idle_since > idle_s:
                    break
                time.sleep(self._patience.poll_s)
        return taken

    def records(self) -> tuple[Record, ...]:
        """What is known of points evaluated so far, in the order of their trials."""
        with self._ledger("reader") as ledger:
            return tuple(sorted(ledger.records().values(), key=lambda record: record.number))

    @contextmanager
    def _ledger(self, role: str) -> Iterator[Ledger]:
        with Heartbeat(self._storage, beat_s=self._patience.beat_s) as heartbeat:
            yield Ledger(self._storage, self._study, self.strategy.space, role=role, heartbeat=heartbeat)

    def _next(self, trials: int, batch: int, starts: Sequence[Encoding], stop: Callable[[], bool]) -> Batch | None:
        """The batch that follows; None where it is enough."""
        if starts:
            return Batch(points=tuple(map(self.strategy.space.normal, starts)), asked=False)
        count = min(batch, trials - len(self.strategy.history))
        if count < 1 or stop():
            return None
        return Batch(points=self.strategy.ask(count), asked=True)

    def _replay(self, batch: Batch) -> None:
        """Bring the strategy to where it was when it proposed these points."""
        if batch.asked and self.strategy.ask(len(batch.points)) != batch.points:
            raise RunError(
                f"strategy {self.strategy.name} no longer proposes what it did in the study {self.name}, so its code "
                "or a library has changed; begin another study"
            )

    def _evaluate(
        self,
        points: Sequence[Encoding],
        ledger: Ledger,
        evaluate: Evaluate,
        judge: Judge,
        executor: Executor | None,
        bar: _Bar,
    ) -> None:
        """Come back when all the points are settled, by whomever."""
        while True:
            ledger.want(points)
            if executor is not None:
                for _ in settle(ledger, evaluate, judge, executor):
                    bar.settled(1)
            missing = set(points) - ledger.records().keys()
            if not missing:
                return
            time.sleep(self._patience.poll_s)

    def _tell(self, points: Sequence[Encoding], records: Mapping[Encoding, Record], judge: Judge) -> None:
        worst = worst_result(self.strategy.history, num_goals=len(self.goals))
        known = (records[point] for point in points)
        self.strategy.tell(
            [Trial(point=each.point, result=worst if each.failure else judge(each.values)) for each in known]
        )
        self._num_batches += 1

    def _outcome(self, records: Mapping[Encoding, Record]) -> Outcome:
        history = tuple(self.strategy.history)
        feasible = any(trial.result.violation <= 0 for trial in history)
        return Outcome(
            best=records[self.strategy.best().point] if feasible else None,
            records=tuple(sorted(records.values(), key=lambda record: record.number)),
            trials=history,
        )

    def _require_settings(self, now: Mapping[str, Any]) -> None:
        if _SETTINGS not in self._study.user_attrs:
            self._study.set_user_attr(_SETTINGS, now)
        earlier = self._study.user_attrs[_SETTINGS]
        wrong = [key for key in sorted({*earlier, *now}) if earlier.get(key) != now.get(key)]
        if wrong:
            differences = ", ".join(f"{key} {earlier.get(key)!r}, now {now.get(key)!r}" for key in wrong)
            raise RunError(
                f"study {self.name} at {without_password(self.url)} was begun with other settings ({differences}); "
                "choose another study"
            )


class _Bar:
    """Counts results as they come and corrects itself when a batch is told."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._shown = 0

    def settled(self, count: int) -> None:
        self._shown += count
        self._stage.advance(count)

    def told(self, history: Sequence[Trial]) -> None:
        best = max(history, key=lambda trial: trial.result.rank)
        self._stage.advance(len(history) - self._shown, detail=f"best {best.result.score:.4g}")
        self._shown = len(history)


def _open_study(storage: RDBStorage, name: str, goals: Sequence[str]) -> optuna.Study:
    import optuna

    return optuna.create_study(
        storage=storage, study_name=name, directions=["maximize"] * max(1, len(goals)), load_if_exists=True
    )
