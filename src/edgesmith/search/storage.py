"""Opening Optuna's storage: SQLite or PostgreSQL, from many processes at once."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edgesmith.core.errors import RunError, UsageError, first_line
from edgesmith.core.extras import require

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

_TRIES: Final = 40
_LONGEST_PAUSE_S: Final = 0.2
_LOCK_S: Final = 120


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long is waited for others.

    Attributes:
        beat_s: Seconds between two signs of life of whoever runs a trial.
        grace_s: Seconds without a sign after which it is taken for dead.
        poll_s: Seconds between two looks at what others have done.
    """

    beat_s: int = 10
    grace_s: int = 60
    poll_s: float = 1.0


def sqlite_url(path: Path) -> str:
    """The URL of a study in a file."""
    return f"sqlite:///{path.absolute()}"


def open_storage(url: str, patience: Patience) -> RDBStorage:
    """Connect, and make the tables where there are none; others may do the same at the same time.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.
        patience: Its ``beat_s`` and ``grace_s``.

    Raises:
        UsageError: The URL is of neither form.
        RunError: The database cannot be reached.
        MissingExtraError: PostgreSQL's driver is not installed.
    """
    require("optuna", extra="train")
    scheme = check_url(url)
    if scheme == "postgresql":
        require("psycopg", extra="postgres")
        url = "postgresql+psycopg" + url[url.index("://") :]
    storage = _connect(url.replace("{", "{{").replace("}", "}}"), scheme, patience)
    if scheme == "sqlite":
        _lock_from_the_start(storage)
    return storage


def check_url(url: str) -> str:
    """The kind of database that a URL names: ``sqlite`` or ``postgresql``.

    Raises:
        UsageError: It is neither.
    """
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme not in ("sqlite", "postgresql") or "://" not in url:
        raise UsageError(
            f"a study's URL is sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE, got {without_password(url)}"
        )
    return scheme


def without_password(url: str) -> str:
    """A URL that may be shown."""
    head, at, tail = url.rpartition("@")
    scheme, slashes, login = head.partition("://")
    return f"{scheme}{slashes}{login.partition(':')[0]}{at}{tail}"


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Without the notes that parts of Optuna are experimental: those used are in it since version 2 or 3."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def _connect(url: str, scheme: str, patience: Patience) -> RDBStorage:
    """Whoever loses the race for a table tries again and finds it."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    options: dict[str, Any] = {"poolclass": NullPool}  # hundreds of workers that hold no connection while they train
    if scheme == "sqlite":
        options["connect_args"] = {"timeout": _LOCK_S}
    chance = random.Random()
    for remaining in reversed(range(_TRIES)):
        try:
            with quiet_optuna():
                return optuna.storages.RDBStorage(
                    url, engine_kwargs=options, heartbeat_interval=patience.beat_s, grace_period=patience.grace_s
                )
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            if not remaining:
                reason = first_line(error.__cause__ or error)
                raise RunError(f"the study at {without_password(url)} cannot be opened: {reason}") from None
            time.sleep(chance.uniform(0, _LONGEST_PAUSE_S))
    raise AssertionError("the last try returns or raises")


def _lock_from_the_start(storage: RDBStorage) -> None:
    """Let SQLite's transactions take the lock before they read, not before they write.

    By default two processes may both read that a trial waits and then both write that it is theirs.
    """
    from sqlalchemy import event

    @event.listens_for(storage.engine, "connect")
    def leave_transactions_to_us(connection: Any, record: Any) -> None:
        del record
        connection.isolation_level = None

    @event.listens_for(storage.engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
