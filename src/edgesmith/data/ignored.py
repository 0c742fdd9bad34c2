"""Values of masks that count in nothing, as ``--ignore-index`` has them."""

from __future__ import annotations

import re
from typing import Final

from edgesmith.core.errors import UsageError

MARK: Final = "ignore_index"
_VALUES: Final = re.compile(r"\d+(,\d+)*")
_MOST: Final = 255


def with_ignored(data: str, values: str | None) -> str:
    """DATA of the command line with the values of ``--ignore-index`` behind it.

    Args:
        data: As typed.
        values: Such as ``11`` or ``11,255``; None leaves it as it is.

    Raises:
        UsageError: The values are not numbers from 0 to 255.
    """
    if values is None:
        return data
    numbers(values)
    return f"{data}#{MARK}={values}"


def numbers(values: str) -> tuple[int, ...]:
    """The values of a list such as ``11,255``.

    Raises:
        UsageError: They are not numbers from 0 to 255.
    """
    found = tuple(map(int, values.split(","))) if _VALUES.fullmatch(values) else ()
    if not found or max(found) > _MOST:
        raise UsageError(
            f"--ignore-index must be values of masks from 0 to {_MOST}, such as 11 or 11,255; got {values!r}"
        )
    return found
