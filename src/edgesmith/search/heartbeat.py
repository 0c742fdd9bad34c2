"""Signs of life for the trials that this process runs."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from optuna.storages import RDBStorage


class Heartbeat:
    """A thread that writes into the storage, every few seconds, that some trials are still being run."""

    def __init__(self, storage: RDBStorage, *, beat_s: float) -> None:
        """Begin without trials.

        Args:
            storage: Where to write.
            beat_s: Seconds between two beats.
        """
        self._storage = storage
        self._beat_s = beat_s
        self._trials: set[int] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def begin(self, trial: int) -> None:
        """A trial is being run from now on."""
        self._storage.record_heartbeat(trial)
        self._trials.add(trial)

    def end(self, trial: int) -> None:
        """It is no longer."""
        self._trials.discard(trial)

    def _beat(self) -> None:
        from optuna.exceptions import OptunaError
        from sqlalchemy.exc import SQLAlchemyError

        while not self._stopped.wait(self._beat_s):
            for trial in tuple(self._trials):
                with suppress(OptunaError, SQLAlchemyError):  # a beat may be missed
                    self._storage.record_heartbeat(trial)
        self._storage.remove_session()
