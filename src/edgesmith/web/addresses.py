"""Addresses of pages about things whose names are paths."""

from __future__ import annotations

from urllib.parse import quote


def address(kind: str, name: str) -> str:
    """``/run/fit-flowers``; every part of the name is quoted."""
    return f"/{kind}/{quote(name)}"
