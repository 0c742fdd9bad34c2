"""What was measured for a table, in one SQLite file: nothing that is finished is lost, whenever the process ends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import DeviceError
from edgesmith.devices.blocks.levels import Readings

FILE_NAME: Final = "blocks.sqlite"
_WAIT_S: Final = 30.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS net (key TEXT PRIMARY KEY, spec TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS session (
    number INTEGER PRIMARY KEY, purpose TEXT NOT NULL, contended INTEGER NOT NULL, conditions TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS reading (session INTEGER NOT NULL, key TEXT NOT NULL, log_ms REAL NOT NULL);
CREATE TABLE IF NOT EXISTS trial (number INTEGER PRIMARY KEY, outcome TEXT NOT NULL);
"""


class Purpose(StrEnum):
    """What a session was for: pieces are timed otherwise than whole networks, and the two are not mixed."""

    PIECES = "pieces"
    NETS = "nets"


class Store:
    """The records of one table; each call that adds is one transaction.

    Args:
        path: The SQLite file; made with its folder where it is not there.
        setting: What the records belong to; a file of another setting is refused.

    Raises:
        DeviceError: The file is damaged, of another setting, or cannot be written.
    """

    def __init__(self, path: Path, *, setting: Mapping[str, Any]) -> None:
        self.path = path
        self._described: set[str] = set()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._check()
            self._database.executescript(_SCHEMA)
            self._claim(json.dumps(setting, sort_keys=True))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def add_session(
        self, purpose: Purpose, readings: Readings, nets: Mapping[str, NetSpec], conditions: Mapping[str, Any]
    ) -> None:
        """Keep one finished session.

        Args:
            purpose: What it was for.
            readings: What it gave.
            nets: The network of every key.
            conditions: What went on meanwhile.
        """
        new = [key for key in readings.log_ms if key not in self._described]
        rows = [(key, json.dumps(nets[key].to_json())) for key in new]
        with self._transaction() as database:
            database.executemany("INSERT OR IGNORE INTO net VALUES (?, ?)", rows)
            cursor = database.execute(
                "INSERT INTO session (purpose, contended, conditions) VALUES (?, ?, ?)",
                (purpose.value, int(readings.contended), json.dumps(conditions)),
            )
            values = [(cursor.lastrowid, key, log_ms) for key, log_ms in readings.log_ms.items()]
            database.executemany("INSERT INTO reading VALUES (?, ?, ?)", values)
        self._described.update(new)

    def sessions(self, purpose: Purpose) -> list[Readings]:
        """All sessions of one purpose, in the order taken."""
        with self._explained():
            query = "SELECT number, contended FROM session WHERE purpose = ? ORDER BY number"
            flags = dict(self._database.execute(query, (purpose.value,)).fetchall())
            values: dict[int, dict[str, float]] = {number: {} for number in flags}
            for number, key, log_ms in self._database.execute("SELECT session, key, log_ms FROM reading"):
                if number in values:
                    values[number][key] = log_ms
        return [Readings(contended=bool(flags[number]), log_ms=found) for number, found in values.items()]

    def nets(self) -> dict[str, NetSpec]:
        """Every network that has been timed, by model hash; small ones that hold a piece included."""
        with self._explained():
            rows = self._database.execute("SELECT key, spec FROM net").fetchall()
            return {key: NetSpec.from_json(json.loads(spec)) for key, spec in rows}

    def add_trial(self, outcome: Mapping[str, Any]) -> None:
        """Keep what one trial of the table came to."""
        with self._transaction() as database:
            database.execute("INSERT INTO trial (outcome) VALUES (?)", (json.dumps(outcome),))

    def trials(self) -> list[dict[str, Any]]:
        """What each trial came to, the first one first."""
        with self._explained():
            rows = self._database.execute("SELECT outcome FROM trial ORDER BY number").fetchall()
            return [json.loads(outcome) for (outcome,) in rows]

    def forget(self) -> None:
        """Throw all records away."""
        self._described.clear()
        with self._transaction() as database:
            for name in ("net", "session", "reading", "trial"):
                database.execute(f"DELETE FROM {name}")

    def _check(self) -> None:
        (found,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)

    def _claim(self, setting: str) -> None:
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO setting VALUES ('setting', ?)", (setting,))
            (found,) = database.execute("SELECT value FROM setting WHERE name = 'setting'").fetchone()
        if found != setting:
            raise DeviceError(f"the table {self.path} was measured in another setting, {found}; move it away")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing."""
        with self._explained():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Every way in which the file can fail, as one line with a way out."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise DeviceError(
                f"the table {self.path} cannot be used: {error}; look for another run at work, a full disk, missing "
                "rights, or set EDGESMITH_CACHE to another folder"
            ) from error
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
            what = " ".join(str(error).split())
            raise DeviceError(
                f"the table {self.path} is damaged ({what}); delete {self.path.parent} and profile the device again"
            ) from error
