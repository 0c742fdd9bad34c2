"""Lookup by name in a written-out table, with the closest name in the error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from edgesmith.core.errors import UsageError

T = TypeVar("T")


def closest(name: str, choices: Iterable[str]) -> str | None:
    """The choice most like ``name``, or None when nothing is near."""
    matches = difflib.get_close_matches(name.strip(), list(choices), n=1, cutoff=0.5)
    return matches[0] if matches else None


def unknown(name: str, choices: Iterable[str], *, what: str) -> UsageError:
    """The one-line error for a name that is not among ``choices``."""
    listed = sorted(choices)
    near = closest(name, listed)
    hint = f"did you mean {near!r}? " if near else ""
    return UsageError(f"unknown {what} {name!r}; {hint}choices: {', '.join(listed) or 'none'}")


def lookup(table: Mapping[str, T], name: str, *, what: str) -> T:
    """The entry under ``name``.

    Args:
        table: The written-out table.
        name: What the user typed.
        what: What the names stand for, as the error calls it ("model", "device").

    Raises:
        UsageError: The name is not in the table; names the closest and all choices.
    """
    if name not in table:
        raise unknown(name, table, what=what)
    return table[name]
