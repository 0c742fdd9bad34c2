"""What people type for ``--device``: names, lists of names, options."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup, unknown
from edgesmith.devices.cores import max_threads


@dataclass(frozen=True, kw_only=True)
class DeviceChoice:
    """One device as typed.

    Attributes:
        name: Name in the table of devices.
        options: Its settings, ``threads`` left out.
        threads: Threads that share one run.
    """

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1

    @property
    def text(self) -> str:
        """The shortest text that stands for this choice."""
        threads = [f"threads={self.threads}"] if self.threads != 1 else []
        return ":".join([self.name, *threads, *(f"{name}={value}" for name, value in sorted(self.options.items()))])


def parse_devices(
    text: str, known: Mapping[str, Collection[str]], *, available_threads: int | None = None
) -> tuple[DeviceChoice, ...]:
    """Read ``onnxruntime``, ``onnxruntime:threads=2`` or ``onnxruntime,torch:layout=auto``.

    Args:
        text: Devices separated by commas; options of a device follow it, each after a colon.
        known: Options of each device, by the device's name; ``threads`` is one of every device.
        available_threads: Threads that can run at once; None asks this machine.

    Raises:
        UsageError: A device or option is unknown (with the closest name), is named twice, or has a bad value.
    """
    limit = max_threads() if available_threads is None else available_threads
    choices = tuple(_parse_device(part.strip(), known, limit=limit) for part in text.split(","))
    texts = [choice.text for choice in choices]
    for name in texts:
        if texts.count(name) > 1:
            raise UsageError(f"device {name!r} is named twice in {text!r}")
    return choices


def _parse_device(text: str, known: Mapping[str, Collection[str]], *, limit: int) -> DeviceChoice:
    name, *settings = text.split(":")
    allowed = [*lookup(known, name, what="device"), "threads"]
    options: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if key not in allowed:
            raise unknown(key, allowed, what=f"option of device {name!r}")
        if not equals or not value:
            raise UsageError(f"option {key!r} of device {name!r} needs a value; for example {name}:threads=1")
        if key in options:
            raise UsageError(f"option {key!r} of device {name!r} is given twice in {text!r}")
        options[key] = value
    threads = _parse_threads(options.pop("threads", "1"), limit=limit)
    return DeviceChoice(name=name, options=options, threads=threads)


def _parse_threads(text: str, *, limit: int) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"threads must be a whole number from 1 to {limit}, got {text!r}")
    if int(text) > limit:
        cores = "1 core is" if limit == 1 else f"{limit} cores are"
        raise UsageError(
            f"threads={text}, but {cores} available to this process (affinity and container quota); "
            f"choose threads from 1 to {limit}"
        )
    return int(text)
