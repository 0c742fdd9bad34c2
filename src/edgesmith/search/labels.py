"""A space in the words of Optuna: distributions over the labels of its options, and a name for the whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from edgesmith.arch.space.choices import Choice, Encoding, Space

if TYPE_CHECKING:
    from optuna.distributions import CategoricalDistribution

Label: TypeAlias = str | int | float | bool | None


def labels_of(choice: Choice) -> tuple[Label, ...]:
    """What its options are called, each by another name; numbers stay numbers."""
    labels = tuple(_label(option) for option in choice.options)
    if len({(type(label), label) for label in labels}) < len(labels):
        return tuple(f"{label} ({number})" for number, label in enumerate(labels))
    return labels


def distributions_of(space: Space, point: Encoding) -> dict[str, CategoricalDistribution]:
    """The distributions of the choices that have an effect at a point, by name."""
    from optuna.distributions import CategoricalDistribution

    used = zip(space.choices, space.active(point), strict=True)
    return {choice.name: CategoricalDistribution(labels_of(choice)) for choice, active in used if active}


def params_of(space: Space, point: Encoding) -> dict[str, Label]:
    """The labels of the options chosen, for the choices that have an effect."""
    rows = zip(space.choices, point, space.active(point), strict=True)
    return {choice.name: labels_of(choice)[value] for choice, value, active in rows if active}


def fingerprint(space: Space) -> str:
    """Twelve hex digits that differ where choices or their options do."""
    rows = [[choice.name, choice.ordered, labels_of(choice)] for choice in space.choices]
    return hashlib.sha256(json.dumps([type(space).__name__, rows]).encode()).hexdigest()[:12]


def _label(option: Any) -> Label:
    if isinstance(option, Enum):
        return _label(option.value)
    if option is None or isinstance(option, str | int | float):
        return option
    if isinstance(option, Mapping):
        return ", ".join(f"{name} {_label(value)}" for name, value in option.items())
    return str(option)
