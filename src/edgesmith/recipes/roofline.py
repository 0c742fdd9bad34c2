"""Latencies beside what this core can do at most, wherever its limits hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgesmith.devices.base import Device
from edgesmith.devices.results import Latency, Measurement
from edgesmith.devices.roofline.bound import is_bounded, roofline
from edgesmith.devices.roofline.machine import load_machine
from edgesmith.devices.together import runs_here
from edgesmith.recipes.models import Model


def add_rooflines(
    found: Measurement, models: Sequence[Model], devices: Sequence[Device], *, cache: Path
) -> Measurement:
    """The measurement with a roofline for each model whose network is known, on devices of this machine's one core.

    Args:
        found: One latency for each device and model, models in their order.
        models: What was measured.
        devices: Where.
        cache: Folder that keeps this machine's limits.
    """
    here = {device.name: runs_here(device) for device in devices}

    def bounded(each: Latency, model: Model) -> Latency:
        if model.spec is None or not here[each.device] or not is_bounded(each.fingerprint):
            return each
        machine = load_machine(cache)
        return replace(each, roofline=roofline(model.spec, each.ms, machine, precision=each.fingerprint.precision))

    pairs = ((each, models[index % len(models)]) for index, each in enumerate(found.latency))
    return replace(found, latency=tuple(bounded(each, model) for each, model in pairs))
