"""A study's trials in Optuna's storage: written down, claimed by one of many processes, finished, found again."""

from __future__ import annotations

import os
import random
import socket
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.core.errors import RunError
from edgesmith.search.executors.base import DIED, MAX_DEATHS
from edgesmith.search.heartbeat import Heartbeat
from edgesmith.search.labels import distributions_of, params_of
from edgesmith.search.storage import quiet_optuna
from edgesmith.search.strategies.base import Result

if TYPE_CHECKING:
    import optuna
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial, TrialState

FAILURE: Final = "failure"
FINISHED: Final = "_finished"
_POINT: Final = "_point"
_OWNER: Final = "_owner"
_DRIVER: Final = "_driver"
_BATCH: Final = "_batch"
_CONSTRAINTS: Final = "constraints"  # where Optuna and its dashboard look for them


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Points that belong together: all are evaluated before the strategy is told.

    Attributes:
        points: In the order asked for; one may be there twice, or have been evaluated before.
        asked: Whether the strategy proposed them; else the caller gave them.
    """

    points: tuple[Encoding, ...]
    asked: bool


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A trial that this process alone may run.

    Attributes:
        trial: Its number in the storage, over all studies.
        point: What to evaluate.
    """

    trial: int
    point: Encoding


@dataclass(frozen=True, kw_only=True)
class Record:
    """What became of a point.

    Attributes:
        number: Of its trial in the study.
        point: What was evaluated.
        values: The named numbers that the evaluation returned, sorted by name; none where it failed.
        failure: Why it failed, in one line; None where it did not.
        seconds: From claim to result.
    """

    number: int
    point: Encoding
    values: Mapping[str, float]
    failure: str | None
    seconds: float


class Ledger:
    """One process's view of a study. Not for several threads.

    Args:
        storage: Where the study lives.
        study: The study in it.
        space: Of its points.
        role: What this process is, ``driver`` or ``worker``.
        heartbeat: Running; told of each trial claimed.
    """

    def __init__(
        self, storage: RDBStorage, study: optuna.Study, space: Space, *, role: str, heartbeat: Heartbeat
    ) -> None:
        self._storage = storage
        self._study = study
        self._space = space
        self._heartbeat = heartbeat
        self._role = role
        self._owner = f"{role} {socket.gethostname()}:{os.getpid()} {uuid.uuid4().hex[:12]}"

    def take_over(self) -> None:
        """Be the study's driver. What an earlier driver was running waits again; should it live, it will notice."""
        self._study.set_user_attr(_DRIVER, self._owner)
        self._study.set_user_attr(FINISHED, False)
        for trial in self._trials("RUNNING"):
            if str(trial.user_attrs.get(_OWNER, "")).startswith("driver "):
                self._set_state(trial._trial_id, "WAITING")

    def finish_study(self) -> None:
        """Tell workers that nothing more will come."""
        self._study.set_user_attr(FINISHED, True)

    @property
    def finished(self) -> bool:
        """Whether the driver has said so."""
        return bool(self._study.user_attrs.get(FINISHED, False))

    def batches(self) -> list[Batch]:
        """All that were written down, in order."""
        rows = sorted((name, row) for name, row in self._study.user_attrs.items() if name.startswith(_BATCH))
        return [Batch(points=tuple(map(tuple, row["points"])), asked=row["asked"]) for _, row in rows]

    def add_batch(self, number: int, batch: Batch) -> None:
        """Write a batch down.

        Raises:
            RunError: Another process drives this study by now.
        """
        if self._study.user_attrs.get(_DRIVER) != self._owner:
            raise RunError(f"another process drives the study {self._study.study_name} by now; this one ends")
        self._study.set_user_attr(f"{_BATCH} {number:06}", {"points": batch.points, "asked": batch.asked})

    def want(self, points: Iterable[Encoding]) -> None:
        """Let every point have a result, or a trial that waits or runs; those that lost theirs get another one."""
        import optuna

        with quiet_optuna():
            optuna.storages.fail_stale_trials(self._study)
        tried = self._by_point()
        for point in dict.fromkeys(points):
            if _settled(point, tried[point]) or any(not trial.state.is_finished() for trial in tried[point]):
                continue
            self._study.add_trial(
                optuna.create_trial(
                    state=optuna.trial.TrialState.WAITING,
                    params=params_of(self._space, point),
                    distributions=dict(distributions_of(self._space, point)),
                    user_attrs={_POINT: point},
                )
            )

    def claims(self) -> Iterator[Claim]:
        """Trials that wait, each claimed when it is asked for; ends when none waits."""
        while waiting := self._trials("WAITING"):
            first = 0 if self._role == "driver" else random.randrange(len(waiting))  # not all reach for the same
            claim = next(filter(None, map(self._claim, waiting[first:] + waiting[:first])), None)
            if claim is not None:
                yield claim

    def finish(self, claim: Claim, values: Mapping[str, float], result: Result) -> None:
        """Store what a trial came to; without effect where it was taken for dead meanwhile."""
        self._end(claim, values, result.goals or (result.score,), violation=result.violation)

    def give_up(self, claim: Claim, failure: str) -> None:
        """Store why a trial failed."""
        self._end(claim, {FAILURE: failure}, None)

    def release(self, claim: Claim) -> None:
        """Let others run it."""
        self._heartbeat.end(claim.trial)
        self._set_state(claim.trial, "WAITING")

    def records(self) -> dict[Encoding, Record]:
        """What is known, by point, in the order of the trials."""
        known = ((point, _settled(point, trials)) for point, trials in self._by_point().items())
        return {point: record for point, record in known if record is not None}

    def _claim(self, trial: FrozenTrial) -> Claim | None:
        """The sign of life comes first: a trial that never gave one would never be taken for dead."""
        if _POINT not in trial.user_attrs:
            return None
        number = trial._trial_id
        self._heartbeat.begin(number)
        if not self._set_state(number, "RUNNING"):
            self._heartbeat.end(number)
            return None
        self._storage.set_trial_user_attr(number, _OWNER, self._owner)
        return Claim(trial=number, point=tuple(trial.user_attrs[_POINT]))

    def _end(
        self, claim: Claim, attributes: Mapping[str, Any], values: Sequence[float] | None, *, violation: float = 0.0
    ) -> None:
        from optuna.exceptions import UpdateFinishedTrialError

        self._heartbeat.end(claim.trial)
        try:
            for name, value in attributes.items():
                self._storage.set_trial_user_attr(claim.trial, name, value)
            if values is not None:
                self._storage.set_trial_system_attr(claim.trial, _CONSTRAINTS, [violation])
        except UpdateFinishedTrialError:
            return
        self._set_state(claim.trial, "FAIL" if values is None else "COMPLETE", values)

    def _set_state(self, trial: int, state: str, values: Sequence[float] | None = None) -> bool:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        try:
            return self._storage.set_trial_state_values(trial, TrialState[state], values)
        except UpdateFinishedTrialError:
            return False

    def _trials(self, *states: str) -> list[FrozenTrial]:
        from optuna.trial import TrialState

        wanted: tuple[TrialState, ...] | None = tuple(TrialState[state] for state in states) or None
        return self._study.get_trials(deepcopy=False, states=wanted)

    def _by_point(self) -> dict[Encoding, list[FrozenTrial]]:
        found: dict[Encoding, list[FrozenTrial]] = defaultdict(list)
        for trial in self._trials():
            if _POINT in trial.user_attrs:  # the dashboard lets people add their own
                found[tuple(trial.user_attrs[_POINT])].append(trial)
        return found


def _settled(point: Encoding, trials: Sequence[FrozenTrial]) -> Record | None:
    """The record of a point, if it has a result or was given up."""
    ended = [trial for trial in trials if trial.state.is_finished()]
    done = [trial for trial in ended if trial.state.name == "COMPLETE"]
    failed = [trial for trial in ended if FAILURE in trial.user_attrs]
    last = next(iter(done or failed or ended[MAX_DEATHS - 1 :]), None)
    if last is None:
        return None
    failure = None if done else str(last.user_attrs.get(FAILURE, DIED))
    duration = last.duration
    return Record(
        number=last.number,
        point=point,
        values={} if failure else {name: v for name, v in sorted(last.user_attrs.items()) if not name.startswith("_")},
        failure=failure,
        seconds=0.0 if duration is None else duration.total_seconds(),
    )
