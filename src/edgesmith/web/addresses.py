"""Where the application listens unless told otherwise, and addresses of pages about things whose names are paths."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

DEFAULT_PORT: Final = 8770


def address(kind: str, name: str) -> str:
    """``/run/fit-flowers``; every part of the name is quoted."""
    return f"/{kind}/{quote(name)}"
