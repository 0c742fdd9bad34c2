"""Values with a unit, as people type them: ``5ms``, ``2MB``, ``40m``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from edgesmith.core.errors import UsageError

_MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_BYTES = {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_milliseconds(text: str, *, what: str = "--budget") -> float:
    """Milliseconds in ``5ms``, ``0.8 ms`` or ``1s``."""
    return _parse(text, _MILLISECONDS, example="5ms", what=what)


def parse_bytes(text: str, *, what: str = "--max-size") -> int:
    """Bytes in ``2MB`` (1 MB is 10**6 bytes)."""
    return round(_parse(text, _BYTES, example="2MB", what=what))


def parse_seconds(text: str, *, what: str = "--time") -> float:
    """Seconds in ``90s``, ``40m`` or ``2h``."""
    return _parse(text, _SECONDS, example="40m", what=what)


def format_duration(seconds: float) -> str:
    """``75`` as ``1 min 15 s``; ``4000`` as ``1 h 7 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def format_bytes(size_bytes: float) -> str:
    """``6.2 MB``; 1 MB is 10**6 bytes."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= scale:
            return (
                f"{size_bytes / scale:.3g} {unit}" if size_bytes < 999.5 * scale else f"{size_bytes / scale:.0f} {unit}"
            )
    return f"{size_bytes:.0f} B"


def _parse(text: str, units: Mapping[str, float], *, example: str, what: str) -> float:
    match = re.fullmatch(r"\s*([+-]?[\d.]+(?:e[+-]?\d+)?)\s*([A-Za-z]*)\s*", text)
    number = _number(match.group(1)) if match else None
    if match is None or number is None or match.group(2) not in units:
        raise UsageError(f"{what} takes a number with a unit ({', '.join(units)}), got {text!r}; for example {example}")
    if not number > 0:
        raise UsageError(f"{what} must be more than zero, got {text!r}; for example {example}")
    return number * units[match.group(2)]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
