"""Devices that a job may measure on: those of this machine that can be used now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from edgesmith.recipes.devices import list_devices


@dataclass(frozen=True, kw_only=True)
class DeviceLine:
    """One choice: the text for ``--device``, and what it is."""

    text: str
    about: str


@lru_cache(maxsize=1)
def list_choices() -> Sequence[DeviceLine]:
    """The devices of this machine; looking for them loads their runtimes, so it is done once."""
    rows = list_devices()
    return tuple(DeviceLine(text=row["name"], about=row["about"]) for row in rows if row["available"])
