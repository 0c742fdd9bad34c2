"""What became of a run or a job."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How far it is; the value is the word that readers see."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
