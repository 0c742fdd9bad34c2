"""What people type for ``--device``: names, lists of names, options."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.core.table import unknown
from edgesmith.core.threads import max_threads
from edgesmith.deploy.base import FLOAT32, INT8

NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})
REGISTERED: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,39}"


@dataclass(frozen=True, kw_only=True)
class DeviceChoice:
    """One device as typed.

    Attributes:
        name: Name in the table of devices.
        place: Where it is, such as ``pi.local:8765``, or the name it registered under, such as ``pixel``; empty for
            devices of this machine.
        there: What it is called at its place; empty for devices of this machine and for those that have a name only.
        options: Its settings, ``threads`` left out.
        threads: Threads that share one run.
        precision: Number format of the files that are meant: ``float32`` or ``int8``.
    """

    name: str
    place: str = ""
    there: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1
    precision: str = FLOAT32

    @property
    def text(self) -> str:
        """The shortest text that stands for this choice."""
        if self.there:
            return f"{self.name}@{self.place}/{self.text_there}"
        return self._with_options(f"{self.name}:{self.place}" if self.place else self.name)

    @property
    def text_there(self) -> str:
        """The text that stands for it at its place."""
        return self._with_options(self.there)

    def _with_options(self, name: str) -> str:
        precision = [self.precision] if self.precision != FLOAT32 else []
        threads = [f"threads={self.threads}"] if self.threads != 1 else []
        return ":".join(
            [name, *precision, *threads, *(f"{key}={value}" for key, value in sorted(self.options.items()))]
        )


def parse_devices(
    text: str,
    known: Mapping[str, Collection[str]],
    *,
    elsewhere: Mapping[str, str] = NOWHERE,
    available_threads: int | None = None,
) -> tuple[DeviceChoice, ...]:
    """Read ``onnxruntime``, ``litert:int8:threads=2``, ``onnxruntime,torch:layout=auto``, ``agent@pi.local/litert``.

    A device elsewhere is ``NAME@PLACE/THERE``, or ``NAME:REGISTERED`` where devices come and register under a name;
    which devices and options there are, and how many threads, is for that place to say.

    Args:
        text: Devices separated by commas; options of a device follow it, each after a colon.
        known: Options of each device, by the device's name; ``threads`` is one of every device, and ``int8``, which
            takes no value, of those that run such files.
        elsewhere: An example of a whole text for each device that is not on this machine, by its name.
        available_threads: Threads that can run at once on this machine; None asks it.

    Raises:
        UsageError: A device or option is unknown (with the closest name), is named twice, or has a bad value.
    """
    limit = max_threads() if available_threads is None else available_threads
    choices = tuple(_parse_device(part.strip(), known, elsewhere, limit=limit) for part in text.split(","))
    texts = [choice.text for choice in choices]
    for name in texts:
        if texts.count(name) > 1:
            raise UsageError(f"device {name!r} is named twice in {text!r}")
    return choices


def _parse_device(
    text: str, known: Mapping[str, Collection[str]], elsewhere: Mapping[str, str], *, limit: int
) -> DeviceChoice:
    name, at, rest = text.partition("@")
    settings: list[str] = []
    if not at:
        name, *settings = text.split(":")
    if at or name in elsewhere:
        if name in elsewhere and "@" not in elsewhere[name]:
            return _parse_registered(name, settings if not at else [], elsewhere[name])
        return _parse_elsewhere(name, rest, [*known, *elsewhere], elsewhere)
    if name not in known:
        raise unknown(name, [*known, *elsewhere], what="device")
    allowed = [*known[name], "threads"]
    precision, settings = _parse_precision(settings, allowed)
    options = _parse_options(name, settings, allowed)
    threads = _parse_threads(options.pop("threads", "1"), limit=limit)
    return DeviceChoice(name=name, options=options, threads=threads, precision=precision)


def _parse_elsewhere(name: str, rest: str, names: Collection[str], elsewhere: Mapping[str, str]) -> DeviceChoice:
    if name not in names:
        raise unknown(name, names, what="device")
    if name not in elsewhere:
        raise UsageError(f"device {name!r} is on this machine and takes no place after @, got {rest!r}")
    place, _, device = rest.partition("/")
    there, *settings = device.split(":")
    if not place or not there:
        raise UsageError(f"device {name!r} needs a place and a device there, got {rest!r}; such as {elsewhere[name]}")
    precision, settings = _parse_precision(settings, None)
    options = _parse_options(name, settings, None)
    threads = _parse_threads(options.pop("threads", "1"), limit=None)
    return DeviceChoice(name=name, place=place, there=there, options=options, threads=threads, precision=precision)


def _parse_registered(name: str, settings: Sequence[str], example: str) -> DeviceChoice:
    """A device that is known by the name it registered under."""
    if not settings or not re.fullmatch(REGISTERED, settings[0]):
        given = repr(settings[0]) if settings else "none"
        raise UsageError(
            f"device {name!r} needs the name that it registered under (letters, digits and ._-), got {given}; "
            f"such as {example}"
        )
    precision, rest = _parse_precision(list(settings[1:]), None)
    options = _parse_options(name, rest, None)
    threads = _parse_threads(options.pop("threads", "1"), limit=None)
    return DeviceChoice(name=name, place=settings[0], options=options, threads=threads, precision=precision)


def _parse_precision(settings: list[str], allowed: Collection[str] | None) -> tuple[str, list[str]]:
    """The precision, and the settings without it."""
    if INT8 not in settings or (allowed is not None and INT8 not in allowed):
        return FLOAT32, settings
    return INT8, [setting for setting in settings if setting != INT8]


def _parse_options(name: str, settings: Sequence[str], allowed: Collection[str] | None) -> dict[str, str]:
    """The settings of a device by name; ``allowed`` is None where another machine knows them."""
    options: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if allowed is not None and key not in allowed:
            raise unknown(key, allowed, what=f"option of device {name!r}")
        if not equals or not value:
            raise UsageError(f"option {key!r} of device {name!r} needs a value; for example {name}:threads=1")
        if key in options:
            raise UsageError(f"option {key!r} of device {name!r} is given twice in {':'.join([name, *settings])!r}")
        options[key] = value
    return options


def _parse_threads(text: str, *, limit: int | None) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"threads must be a whole number from 1{f' to {limit}' if limit else ''}, got {text!r}")
    if limit is not None and int(text) > limit:
        cores = "1 core is" if limit == 1 else f"{limit} cores are"
        raise UsageError(
            f"threads={text}, but {cores} available to this process (affinity and container quota); "
            f"choose threads from 1 to {limit}"
        )
    return int(text)
