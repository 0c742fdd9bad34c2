"""Frozen dataclass <-> plain dict, and typed ``a.b=c`` overrides.

A config is a frozen, keyword-only dataclass whose fields are numbers, strings, booleans, enums, ``None``, bytes (in
JSON base64), tuples of those, or other configs.
"""

from __future__ import annotations

import base64
import binascii
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from edgesmith.core.errors import UsageError
from edgesmith.core.table import closest

C = TypeVar("C")


def to_dict(config: Any) -> dict[str, Any]:
    """The config as plain JSON values, nested configs as nested dicts."""
    return {field.name: _plain(getattr(config, field.name)) for field in fields(config)}


def flat(values: Mapping[str, Any], *, prefix: str = "") -> dict[str, Any]:
    """Nested plain values with one key a leaf, such as ``optim.learning_rate``."""
    leaves: dict[str, Any] = {}
    for key, value in values.items():
        leaves |= flat(value, prefix=f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return leaves


def from_dict(cls: type[C], data: Mapping[str, Any]) -> C:
    """Build a config from plain values.

    Raises:
        UsageError: A key is unknown (all of them are listed, with the closest names) or missing, or a value has
            another type.
    """
    hints = get_type_hints(cls)
    _reject_unknown(list(data), [field.name for field in fields(cast("Any", cls))], where=cls.__name__)
    _reject_missing(cls, data)
    return cls(**{key: _typed(value, hints[key], where=key) for key, value in data.items()})


def override(config: C, settings: Sequence[str], *, option: str = "--set") -> C:
    """Apply ``a.b=c`` settings; every bad key is reported at once.

    Args:
        config: The config to vary; it is left as it is.
        settings: Strings of the form ``optim.learning_rate=0.02``.
        option: Of the command line that they come from.

    Raises:
        UsageError: A setting has no ``=``, an unknown key, or a value of another type.
    """
    pairs = [_split(setting) for setting in settings]
    known = _paths(config)
    _reject_unknown([key for key, _ in pairs], known, where=option)
    for key, text in pairs:
        config = _replace_at(config, key.split("."), text, whole=key)
    return config


def _split(setting: str) -> tuple[str, str]:
    key, separator, value = setting.partition("=")
    if not separator:
        raise UsageError(f"--set takes key=value, got {setting!r}; for example --set optim.learning_rate=0.02")
    return key, value.strip()


def _paths(config: Any, prefix: str = "") -> list[str]:
    names: list[str] = []
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            names += _paths(value, f"{prefix}{field.name}.")
        else:
            names.append(prefix + field.name)
    return names


def _reject_unknown(keys: Sequence[str], known: Sequence[str], *, where: str) -> None:
    wrong = [key for key in keys if key not in known]
    if not wrong:
        return
    hints = [f"{key!r} (did you mean {near!r}?)" if (near := closest(key, known)) else repr(key) for key in wrong]
    raise UsageError(f"unknown {where} key {', '.join(hints)}; choices: {', '.join(sorted(known))}")


def _reject_missing(cls: Any, data: Mapping[str, Any]) -> None:
    needed = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in needed if name not in data]
    if missing:
        raise UsageError(f"{cls.__name__} needs {', '.join(missing)}, and there is no default")


def _replace_at(config: Any, path: Sequence[str], text: str, *, whole: str) -> Any:
    name = path[0]
    if len(path) > 1:
        return replace(config, **{name: _replace_at(getattr(config, name), path[1:], text, whole=whole)})
    return replace(config, **{name: _parse(text, get_type_hints(type(config))[name], where=whole)})


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_dict(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _typed(value: Any, hint: Any, *, where: str) -> Any:
    """``value`` as ``hint`` asks, from JSON values."""
    origin, choices = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in choices:
            return None
        return _first_that_fits(value, [choice for choice in choices if choice is not type(None)], where=where)
    if origin is tuple and isinstance(value, list | tuple):
        item = choices if choices[-1] is not Ellipsis else (choices[0],) * len(value)
        if len(item) != len(value):
            raise UsageError(f"{where} must have {len(item)} values, got {value!r}")
        return tuple(_typed(v, h, where=where) for v, h in zip(value, item, strict=True))
    if is_dataclass(hint) and isinstance(value, Mapping):
        return from_dict(cast("type[Any]", hint), value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member(value, hint, where=where)
    if hint is bytes and isinstance(value, str):
        return _decoded(value, where=where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise UsageError(f"{where} must be {_name(hint)}, got {value!r}")


def _first_that_fits(value: Any, hints: Sequence[Any], *, where: str) -> Any:
    for hint in hints:
        try:
            return _typed(value, hint, where=where)
        except UsageError:
            continue
    raise UsageError(f"{where} must be {' or '.join(_name(hint) for hint in hints)}, got {value!r}")


def _decoded(text: str, *, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{where} must be base64") from None


def _member(value: Any, enum: type[Enum], *, where: str) -> Enum:
    try:
        return enum(value)
    except ValueError:
        raise UsageError(f"{where} must be one of {', '.join(str(m.value) for m in enum)}, got {value!r}") from None


def _parse(text: str, hint: Any, *, where: str) -> Any:
    """The typed value that a command-line string stands for."""
    if get_origin(hint) in (Union, types.UnionType):
        choices = get_args(hint)
        if type(None) in choices and text.lower() == "none":
            return None
        return _typed(text if str in choices else _literal(text), hint, where=where)
    if get_origin(hint) is tuple:
        return _typed([_literal(part) for part in text.split(",")], hint, where=where)
    return _typed(text if hint is str else _literal(text), hint, where=where)


def _literal(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _name(hint: Any) -> str:
    if hint is bool:
        return "true or false"
    return hint.__name__ if isinstance(hint, type) else str(hint)
