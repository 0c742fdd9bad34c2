"""The run's events, one JSON object a line; a run that goes on from a checkpoint forgets what came after it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from edgesmith.core.files import append_line, read_lines, write_text

EVENTS_NAME: Final = "events.jsonl"

Event = Mapping[str, Any]


class Log:
    """Events in memory, in a file where there is one, and to a listener where there is one.

    Args:
        path: The ``events.jsonl`` of a run folder; None keeps events in memory only.
        listener: Called with each new event; a writer of another format may listen here.
    """

    def __init__(self, path: Path | None = None, *, listener: Callable[[Event], None] | None = None) -> None:
        self._path = path
        self._listener = listener
        self._events: list[Event] = [] if path is None else read_lines(path)

    @property
    def events(self) -> Sequence[Event]:
        """All events so far, those of earlier processes included."""
        return tuple(self._events)

    def add(self, kind: str, *, step: int, values: Event) -> None:
        """Write one event.

        Args:
            kind: ``step``, ``evaluation``, ``note``, or ``void``: a step whose batch had nothing to learn from.
            step: Optimiser steps done when it happened.
            values: What is to be said, as plain JSON values.
        """
        event = {"kind": kind, "step": step, **values}
        self._events.append(event)
        if self._path is not None:
            append_line(self._path, json.dumps(event, ensure_ascii=False))
        if self._listener is not None:
            self._listener(event)

    def rewind(self, step: int) -> None:
        """Forget every event of a later step, and a last line that a kill tore."""
        self._events = [event for event in self._events if event["step"] <= step]
        if self._path is not None and self._path.exists():
            write_text(self._path, "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in self._events))
