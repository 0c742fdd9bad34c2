"""Processes that were started earlier: whether one is still the same, and how a whole group of them ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

# What is sent, and how long the processes have to follow.
_STEPS: Final = ((signal.SIGINT, 8.0), (signal.SIGTERM, 4.0), (signal.SIGKILL, 4.0))
_LOOK_S: Final = 0.05


def started_at(pid: int) -> str:
    """When a process began, as the system has it; empty where it does not tell."""
    try:
        # Field 22 of the line; the second one, the name, is in brackets and may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def is_same_process(pid: int, begun: str) -> bool:
    """Whether ``pid`` is still the process that began at ``begun``; False where the system does not tell."""
    return bool(begun) and started_at(pid) == begun


def end_group(pid: int, *, is_alive: Callable[[], bool]) -> None:
    """End a process and all that it started: asked first, then told, then killed.

    Args:
        pid: Leader of the group.
        is_alive: Whether the leader still runs.
    """
    for sign, patience_s in _STEPS:
        with suppress(ProcessLookupError):
            os.killpg(pid, sign)
        deadline = time.monotonic() + patience_s
        while is_alive() and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        if not is_alive():
            break
    with suppress(ProcessLookupError, PermissionError):  # those that outlived their leader
        os.killpg(pid, signal.SIGKILL)
