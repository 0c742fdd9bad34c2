"""Values of masks that count in nothing, said beside a set's place: ``camvid#ignore_index=11``.

So they travel wherever DATA does: into run folders, to worker processes, to other machines.
"""

from __future__ import annotations

import re
from typing import Final

from edgesmith.core.errors import UsageError

_MARK: Final = "#ignore_index="
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
    _numbers(values)
    return f"{data}{_MARK}{values}"


def split_ignored(data: str) -> tuple[str, tuple[int, ...]]:
    """A set's place, and the values that are said beside it.

    Raises:
        UsageError: The values are not numbers from 0 to 255.
    """
    place, mark, values = data.partition(_MARK)
    return place, _numbers(values) if mark else ()


def _numbers(values: str) -> tuple[int, ...]:
    found = tuple(map(int, values.split(","))) if _VALUES.fullmatch(values) else ()
    if not found or max(found) > _MOST:
        raise UsageError(
            f"--ignore-index must be values of masks from 0 to {_MOST}, such as 11 or 11,255; got {values!r}"
        )
    return found
