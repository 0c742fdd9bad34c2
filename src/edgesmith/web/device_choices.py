"""Devices that a job may measure on: those of this machine that can be used now, and connected browsers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from edgesmith.core.errors import UsageError
from edgesmith.core.table import unknown
from edgesmith.recipes.devices import list_devices
from edgesmith.web.phone_state import Page


@dataclass(frozen=True, kw_only=True)
class DeviceLine:
    """One choice: the text for ``--device``, and what it is."""

    text: str
    about: str


def list_choices(pages: Sequence[Page]) -> tuple[DeviceLine, ...]:
    """The devices of this machine, then the browsers of ``pages``."""
    phones = (DeviceLine(text=f"browser:{page.about.name}", about=page.about.user_agent) for page in pages)
    return (*_local(), *phones)


def choose_device(choices: Sequence[DeviceLine], text: str, threads: str) -> str:
    """The text for ``--device`` from the fields of a form.

    Raises:
        UsageError: It is none of the choices, or the threads are no number.
    """
    known = [line.text for line in choices]
    if text not in known:
        raise unknown(text, known, what="device")
    if not re.fullmatch(r"[1-9]\d?", threads):
        raise UsageError(f"threads are a number from 1 to 99, got {threads!r}")
    return text if threads == "1" else f"{text}:threads={int(threads)}"


@lru_cache(maxsize=1)
def _local() -> tuple[DeviceLine, ...]:
    """The devices of this machine; looking for them loads their runtimes, so it is done once."""
    rows = list_devices()
    return tuple(DeviceLine(text=row["name"], about=row["about"]) for row in rows if row["available"])
