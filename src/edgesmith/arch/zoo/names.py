"""Zoo names with options: ``mobilenet_v3_small@width=0.75,resolution=160``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final, TypeVar, get_type_hints

from edgesmith.arch.names import Padding
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup, unknown

E = TypeVar("E", bound=StrEnum)

COMMON: Final = ("resolution", "classes", "padding", "preset")


def find(text: str) -> NetSpec:
    """The spec that a zoo name with options stands for.

    Args:
        text: ``NAME`` or ``NAME@key=value,...``; a resolution is ``160`` or ``128x192`` (height x width).

    Raises:
        UsageError: The name, an option or a value is unknown; names the closest and the choices.
    """
    name, _, tail = text.partition("@")
    entry = lookup(MODELS, name, what="model")
    own = {key: hint for key, hint in get_type_hints(entry.make).items() if key != "return"}
    options = _options(tail, text, known=(*own, *COMMON))
    spec = entry.make(**{key: _parse(key, options[key], own[key]) for key in own if key in options})
    if "resolution" in options:
        spec = spec.with_resolution(*parse_resolution(options["resolution"]))
    return replace(
        spec,
        name=text,
        num_classes=_whole(options.get("classes", str(spec.num_classes)), what="classes"),
        padding=_choice(Padding, options.get("padding", spec.padding.value), what="padding"),
        preset=_choice(Preset, options.get("preset", spec.preset.value), what="preset"),
    )


def parse_resolution(text: str) -> tuple[int, int]:
    """Height and width in pixels from ``160`` or ``128x192``.

    Raises:
        UsageError: It is neither.
    """
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    height, width = (int(match.group(1)), int(match.group(2) or match.group(1))) if match else (0, 0)
    if height < 1 or width < 1:
        raise UsageError(f"resolution is pixels like 160, or 128x192 (height x width), got {text!r}")
    return height, width


def _options(tail: str, text: str, *, known: Sequence[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in filter(None, tail.split(",")):
        key, separator, value = part.partition("=")
        if key not in known:
            raise unknown(key, known, what="model option")
        if not separator or not value:
            raise UsageError(f"model option {key!r} in {text!r} needs a value, like {key}=...")
        if key in options:
            raise UsageError(f"model option {key!r} stands twice in {text!r}")
        options[key] = value
    return options


def _parse(key: str, text: str, hint: type) -> float | int | StrEnum:
    """An option's value as its family's function wants it."""
    if issubclass(hint, StrEnum):
        return _choice(hint, text, what=key)
    return _whole(text, what=key) if hint is int else _number(text, what=key)


def _choice(enum: type[E], text: str, *, what: str) -> E:
    return lookup({member.value: member for member in enum}, text, what=what)


def _number(text: str, *, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{what} is a number like 0.75, got {text!r}") from None


def _whole(text: str, *, what: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"{what} is a whole number from 1, got {text!r}")
    return int(text)
