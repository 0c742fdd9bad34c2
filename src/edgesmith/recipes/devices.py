"""What can be measured on this machine, and which devices have a block table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgesmith.core.caches import cache_folder
from edgesmith.core.errors import DeviceError, EdgesmithError
from edgesmith.devices.base import Device
from edgesmith.devices.blocks.library import table_path, trials_of
from edgesmith.devices.table import DEVICES, get_device


def list_devices(cache: Path | None = None) -> list[dict[str, Any]]:
    """One row a device, as ``edgesmith devices --json`` prints them.

    Args:
        cache: Folder of the tables; None takes the usual one.
    """
    return [_row(name, cache or cache_folder()) for name in DEVICES]


def _row(name: str, cache: Path) -> dict[str, Any]:
    kind = DEVICES[name]
    row: dict[str, Any] = {"name": name, "options": ["threads", *kind.options], "about": kind.about}
    if kind.example:  # a place is part of its name, so there is nothing to ask yet
        about = f"{kind.about}; such as {kind.example}"
        nothing = dict.fromkeys(("runtime", "version", "available", "missing", "table"))
        return row | {"about": about} | nothing
    try:
        device = get_device(name)
        fingerprint = device.fingerprint()
    except EdgesmithError as error:
        return row | {"runtime": None, "version": None, "available": False, "missing": str(error), "table": None}
    return row | {
        "runtime": fingerprint.runtime,
        "version": fingerprint.version,
        "available": True,
        "missing": None,
        "table": _table(device, cache),
    }


def _table(device: Device, cache: Path) -> dict[str, Any] | None:
    """The last trial of the device's table; None where there has been none."""
    try:
        trials = trials_of(device, cache)
    except DeviceError as error:
        return {"path": str(table_path(device, cache)), "passed": False, "reasons": [str(error)]}
    if not trials:
        return None
    gate = trials[-1].gate
    return {
        "path": str(table_path(device, cache)),
        "passed": gate.passed,
        "reasons": list(gate.reasons()),
        "tau": gate.tau,
        "rmspe": gate.rmspe,
        "madds_tau": gate.madds_tau,
        "trials": len(trials),
    }
