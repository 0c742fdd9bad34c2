"""Keys of a state dict that a file has sorted by name, put back into forward order as far as names tell it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_ROLES: Final = ("weight", "bias", "running_mean", "running_var")
_LAST: Final = ("classifier", "head", "fc")


def forward_order(keys: Sequence[str]) -> list[str]:
    """Modules by the numbers in their names, the classifier last, and scale before shift within each.

    It is right for libraries that number their layers through (torchvision), and no more than a guess for others:
    whoever uses it checks every shape and role.
    """
    return sorted(keys, key=_rank)


def _rank(key: str) -> tuple[bool, list[tuple[int, str]], int]:
    module, _, role = key.rpartition(".")
    parts = [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"[.]|(\d+)", module) if part]
    return module.split(".")[0] in _LAST, parts, _ROLES.index(role) if role in _ROLES else len(_ROLES)
