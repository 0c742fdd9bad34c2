"""The devices by name. A new one is its module and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.deploy.base import INT8
from edgesmith.deploy.quantize.table import QUANTIZERS
from edgesmith.devices.adb import connect_phone
from edgesmith.devices.base import Device
from edgesmith.devices.browser.device import connect_browser
from edgesmith.devices.local import LocalDevice
from edgesmith.devices.modules import load_module
from edgesmith.devices.options import DeviceChoice, parse_devices
from edgesmith.devices.remote import connect
from edgesmith.devices.torch import TorchDevice
from edgesmith.runtimes.table import RUNTIMES


@dataclass(frozen=True, kw_only=True)
class DeviceKind:
    """One line of the table.

    Attributes:
        build: Makes the device of a parsed choice.
        options: Options that it knows, besides ``threads``.
        about: What it measures, in a few words.
        example: A whole text, where the name alone is not enough because the device is not on this machine.
    """

    build: Callable[[DeviceChoice], Device]
    options: tuple[str, ...]
    about: str
    example: str = ""


def _local(choice: DeviceChoice) -> Device:
    runtime = RUNTIMES[choice.name]
    runtime.check(choice.options)
    return LocalDevice(
        runtime, name=choice.text, threads=choice.threads, options=choice.options, precision=choice.precision
    )


def _torch(choice: DeviceChoice) -> Device:
    layout = choice.options.get("layout", "auto")
    return TorchDevice(load_module, name=choice.text, threads=choice.threads, layout=layout)


DEVICES: Final[Mapping[str, DeviceKind]] = MappingProxyType(
    {
        **{
            runtime.name: DeviceKind(
                build=_local,
                options=(*runtime.option_names, *([INT8] if runtime.format in QUANTIZERS else [])),
                about=f"{runtime.format} files in {runtime.name} on this machine's processor",
            )
            for runtime in RUNTIMES.values()
        },
        "torch": DeviceKind(
            build=_torch,
            options=TorchDevice.option_names,
            about="eager PyTorch on this machine's processor",
        ),
        "agent": DeviceKind(
            build=connect,
            options=(),
            about="a runtime on another machine, where edgesmith agent runs",
            example="agent@pi.local:8765/onnxruntime",
        ),
        "adb": DeviceKind(
            build=connect_phone,
            options=(),
            about="an Android phone over adb, timed by the runtimes' own programs; not tried on a phone",
            example="adb@R5CT10ABCDE/litert",
        ),
        "browser": DeviceKind(
            build=connect_browser,
            options=("backend",),
            about="a phone's or computer's browser that has the page of edgesmith web open",
            example="browser:pixel",
        ),
    }
)


def get_devices(text: str) -> tuple[Device, ...]:
    """The devices that ``--device`` names, such as ``onnxruntime:threads=2,torch``.

    Raises:
        UsageError: A device, an option or a value is unknown; names the closest.
        DeviceError: A device on another machine cannot be reached.
    """
    known = {name: kind.options for name, kind in DEVICES.items() if not kind.example}
    elsewhere = {name: kind.example for name, kind in DEVICES.items() if kind.example}
    return tuple(DEVICES[choice.name].build(choice) for choice in parse_devices(text, known, elsewhere=elsewhere))


def get_device(text: str) -> Device:
    """The one device that ``text`` names.

    Raises:
        UsageError: It is unknown (names the closest and all choices), or there are several.
    """
    devices = get_devices(text)
    if len(devices) > 1:
        raise UsageError(f"one device is wanted here, got {len(devices)}: {text}")
    return devices[0]
