"""How a set is to be read, said beside its place: ``camvid#ignore_index=11#bad_pictures=error``.

So it travels wherever DATA does: into run folders, to worker processes, to other machines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from edgesmith.core.table import unknown
from edgesmith.data.ignored import MARK, numbers

_MARKS: Final = re.compile(r"#(?=\w+=)")
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"bad_pictures": ("skip", "error"), "empty_classes": ("keep", "error"), "extra_classes": ("error", "ignore")}
)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is to be done with what a set should not have.

    Attributes:
        ignore_index: Values of masks that count in nothing, beside those that the set names.
        bad_pictures: ``skip`` leaves pictures that cannot be used out and counts them; ``error`` stops at the first.
        empty_classes: ``keep`` trains beside classes without a training picture, which keep their place in the list;
            ``error`` refuses to.
        extra_classes: ``error`` refuses to train where val or test has a class that train lacks; ``ignore`` passes over
            the pictures of such classes.
    """

    ignore_index: tuple[int, ...] = ()
    bad_pictures: str = "skip"
    empty_classes: str = "keep"
    extra_classes: str = "error"

    def __post_init__(self) -> None:
        for key, choices in _CHOICES.items():
            if getattr(self, key) not in choices:
                raise unknown(getattr(self, key), choices, what=f"value of {key}")


def split_wishes(data: str) -> tuple[str, Wishes]:
    """A set's place, and what is said beside it.

    Raises:
        UsageError: A key or a value is unknown; names the closest.
    """
    place, *rest = _MARKS.split(data)
    if not rest or Path(data).expanduser().exists():
        return data, Wishes()
    values: dict[str, str] = {}
    ignored: tuple[int, ...] = ()
    for each in rest:
        key, _, value = each.partition("=")
        if key == MARK:
            ignored += numbers(value)
        elif key in _CHOICES:
            values[key] = value
        else:
            raise unknown(key, (MARK, *_CHOICES), what=f"setting behind {place}")
    return place, Wishes(ignore_index=ignored, **values)
