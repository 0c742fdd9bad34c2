"""How far a run is, read from its folder alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgesmith.core.errors import RunError
from edgesmith.core.files import read_json
from edgesmith.core.progress_file import StageSight
from edgesmith.engine.log import EVENTS_NAME
from edgesmith.recipes.run_folder import RESULT_NAME, RUN_NAME
from edgesmith.web.places import file_inside, files_inside
from edgesmith.web.states import State

_FRESH_S: Final = 180.0
_TAIL_BYTES: Final = 65_536
_MOST_ENTRIES: Final = 5_000


@dataclass(frozen=True, kw_only=True)
class RunState:
    """How far a run is.

    Attributes:
        state: From its files; a run without a result counts as running while its folder changes.
        begun_at: Seconds of the epoch.
        changed_at: When something in its folder was last written.
        result: What it came to, once it is finished.
        training: The training that was written to last, while it runs.
    """

    state: State
    begun_at: float
    changed_at: float
    settings: Mapping[str, Any]
    result: Mapping[str, Any] | None
    training: StageSight | None

    @property
    def is_live(self) -> bool:
        """Whether there may be something new in a moment."""
        return self.state is State.RUNNING


def read_state(run: Path, *, now: float | None = None) -> RunState:
    """Read how far a run is.

    Raises:
        RunError: Its ``run.json`` cannot be read.
    """
    now = time.time() if now is None else now
    settings = _mapping(run / RUN_NAME)
    result = _mapping(run / RESULT_NAME) if file_inside(run, RESULT_NAME) else None
    changed_at = max(_changes(run), default=0.0)
    state = State.FINISHED if result is not None else State.RUNNING if now - changed_at < _FRESH_S else State.STOPPED
    training = _training(run) if result is None else None
    begun_at = (run / RUN_NAME).stat().st_mtime
    return RunState(
        state=state, begun_at=begun_at, changed_at=changed_at, settings=settings, result=result, training=training
    )


def newest_events(run: Path) -> Path | None:
    """The log of events that was written to last."""
    return max(files_inside(run, f"**/{EVENTS_NAME}"), key=lambda path: path.stat().st_mtime, default=None)


def _mapping(path: Path) -> Mapping[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise RunError(f"{path} is not an object of JSON")
    return value


def _changes(run: Path) -> Iterator[float]:
    """When the files of a run were written, of so many as can be looked at quickly."""
    count = 0
    for folder, _, names in os.walk(run):
        for name in names:
            count += 1
            if count > _MOST_ENTRIES:
                return
            try:
                yield (Path(folder) / name).lstat().st_mtime
            except OSError:
                continue


def _training(run: Path) -> StageSight | None:
    log = newest_events(run)
    last = None if log is None else _last_step(log)
    if log is None or last is None:
        return None
    try:
        return StageSight(
            title=f"training in {log.parent.relative_to(run).as_posix()}" if log.parent != run else "training",
            unit="pictures",
            done=float(last["pictures"]),
            total=float(last["of"]) if "of" in last else None,
            seconds=float(last["seconds"]),
            detail="" if last.get("loss") is None else f"loss {float(last['loss']):.3f}",
        )
    except (KeyError, TypeError, ValueError):
        return None


def _last_step(log: Path) -> Mapping[str, Any] | None:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").split("\n")
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("kind") == "step":
            return event
    return None
