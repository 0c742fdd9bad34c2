"""Helping with searches that other processes drive: which there are, and evaluating what waits in them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from edgesmith.arch.space.choices import Space
from edgesmith.search.executors.base import Executor
from edgesmith.search.heartbeat import Heartbeat
from edgesmith.search.ledger import FINISHED, Ledger
from edgesmith.search.settle import Evaluate, Judge, settle
from edgesmith.search.storage import Patience, open_storage

JOB: Final = "job"
"""The attribute of a study that says, in JSON values, how its points are evaluated."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A search that is not finished and says how its candidates are evaluated.

    Attributes:
        study: Its name.
        job: What it says; see `edgesmith.search.study.Study`.
    """

    study: str
    job: Mapping[str, Any]


class Helper:
    """One process that helps; a context that gives signs of life while it is open.

    Args:
        url: As of `edgesmith.search.study.Study`.
        patience: How long is waited for others.

    Raises:
        UsageError: The URL is no study's.
        RunError: The storage cannot be reached.
    """

    def __init__(self, url: str, *, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._storage = open_storage(url, self.patience)
        self._heartbeat = Heartbeat(self._storage, beat_s=self.patience.beat_s)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._heartbeat)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, value, trace)

    def wanted(self) -> tuple[Wanted, ...]:
        """The searches that can be helped now, by name."""
        import optuna

        summaries = optuna.get_all_study_summaries(self._storage, include_best_trial=False)
        known = {summary.study_name: summary.user_attrs for summary in summaries}
        return tuple(
            Wanted(study=name, job=attributes[JOB])
            for name, attributes in sorted(known.items())
            if JOB in attributes and not attributes.get(FINISHED, False)
        )

    def help(self, study: str, space: Space, evaluate: Evaluate, judge: Judge, executor: Executor) -> int:
        """Evaluate what waits in a search until nothing does.

        Args:
            study: Its name.
            space: Of its points.
            evaluate: As its driver's.
            judge: As its driver's.
            executor: Runs evaluations.

        Returns:
            How many points were evaluated, those that failed included.
        """
        import optuna

        opened = optuna.load_study(study_name=study, storage=self._storage)
        ledger = Ledger(self._storage, opened, space, role="worker", heartbeat=self._heartbeat)
        return sum(1 for _ in settle(ledger, evaluate, judge, executor))
