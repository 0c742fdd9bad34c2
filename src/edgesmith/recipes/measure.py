"""Measure any mix of zoo names, specs, bundles and model files; nets without a file are exported for it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from edgesmith.core.caches import cache_folder
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.units import format_duration
from edgesmith.deploy.base import split_kind
from edgesmith.deploy.bundle import open_bundle
from edgesmith.devices.across import Target
from edgesmith.devices.base import Device
from edgesmith.devices.blocks.files import maker_for
from edgesmith.devices.blocks.times import BlockTime, measure_blocks
from edgesmith.devices.measure import DEFAULT_PLAN, Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Latency, Measurement
from edgesmith.devices.sustained import Stretch, Sustained, sustain
from edgesmith.devices.table import get_devices
from edgesmith.recipes.model_files import bundle_file, untrained_file
from edgesmith.recipes.models import Model
from edgesmith.recipes.roofline import add_rooflines
from edgesmith.runtimes.table import runtime_for

# For a second look at a file that was measured on a busy machine.
LONG: Final = Plan(limit_s=60.0, min_loads=20, enough_loads=20, max_loads=240)


def measure_models(
    models: Sequence[Model],
    device: str,
    *,
    plan: Plan = DEFAULT_PLAN,
    blocks: bool = False,
    stretch: Stretch | None = None,
    progress: Progress = SILENT,
) -> Measurement:
    """Latencies and verdicts; records of bundles are kept in them.

    Args:
        models: What to measure, side by side.
        device: One device or several, as typed.
        plan: How long and how precisely.
        blocks: Time every block by itself too.
        stretch: After the session, let each file run for so long without a pause.
        progress: Told of each stage.
    """
    devices = get_devices(device)
    if blocks:
        _require_blocks(models, devices)
    formats = {each.format for each in devices}
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder:
        subjects: list[Subject] = []
        with progress.stage("prepare files", len(models), "models") as stage:
            for number, model in enumerate(models):
                stem = Path(folder) / str(number) / re.sub(r"[^\w.=,@-]+", "-", model.name)
                subjects.append(_subject(model, formats, stem, progress=progress))
                stage.advance(detail=model.name)
        measurement = measure(subjects, devices, plan=plan, progress=progress)
        if stretch is not None:
            measurement = replace(measurement, sustained=_sustain(subjects, devices, stretch, progress))
    measurement = add_rooflines(measurement, models, devices, cache=cache_folder())
    if blocks:
        times = [_blocks(model, each, progress) for each in devices for model in models]
        measurement = replace(measurement, blocks=tuple(time for each in times for time in each))
    for folder_of_bundle in {model.bundle.folder for model in models if model.bundle is not None}:
        bundle = open_bundle(folder_of_bundle, verify=False)  # files may have been added
        records = [record for record in measurement.records() if record["name"] == bundle.manifest.name]
        bundle.add_latency(list({str(record["device"]): record for record in records}.values()))
    return measurement


def measure_for(
    model: Model, target: Target, budget_ms: float, *, progress: Progress = SILENT
) -> tuple[Latency, Measurement]:
    """A finished model against a budget; once more, and for longer, where it was just missed.

    Args:
        model: With its bundle.
        target: Where latency counts.
        budget_ms: The budget in milliseconds.
        progress: Told of each stage.

    Returns:
        The latency that counts, and the measurement of every device.
    """
    found = measure_models([model], target.device, progress=progress)
    latency = target.combine(found.latency)[0]
    if latency.low_ms <= budget_ms < latency.high_ms or (latency.contended and latency.high_ms > budget_ms):
        progress.note("the budget was just missed: measuring once more, for longer")
        found = measure_models([model], target.device, plan=LONG, progress=progress)
        latency = target.combine(found.latency)[0]
    return latency, found


def _sustain(
    subjects: Sequence[Subject], devices: Sequence[Device], stretch: Stretch, progress: Progress
) -> tuple[Sustained, ...]:
    """One file at a time: side by side they would warm the machine for one another."""
    pairs = [(subject, device) for device in devices for subject in subjects]
    progress.note(
        f"{len(pairs)} x {format_duration(stretch.seconds)} of running, each after {format_duration(stretch.pause_s)} "
        f"of rest: {format_duration(len(pairs) * (stretch.seconds + stretch.pause_s))}"
    )
    return tuple(
        sustain(subject.name, subject.files[device.format], device, stretch, progress=progress)
        for subject, device in pairs
    )


def _require_blocks(models: Sequence[Model], devices: Sequence[Device]) -> None:
    """Refuse what cannot be taken apart before anything is measured."""
    for model in models:
        model.require_spec()
    for device in devices:
        maker_for(device.format)


def _blocks(model: Model, device: Device, progress: Progress) -> tuple[BlockTime, ...]:
    return measure_blocks(model.name, model.require_spec(), device, cache=cache_folder(), progress=progress)


def _subject(model: Model, formats: set[str], stem: Path, *, progress: Progress) -> Subject:
    if model.file is not None:
        runtime = runtime_for(model.file.suffix)
        files = {kind: model.file for kind in formats if split_kind(kind)[0] == runtime.format}
        if not files:
            raise UsageError(f"{model.name} is a file for {runtime.name}; measure it there: --device {runtime.name}")
        return Subject(name=model.name, files=files)
    if model.bundle is None:
        spec = model.require_spec()
        return Subject(name=model.name, files={name: untrained_file(spec, name, stem) for name in formats})
    bundle, files = model.bundle, {"torch": model.bundle.folder}
    for name in sorted(formats - {"torch"}):
        bundle, files[name] = bundle_file(bundle, name, progress=progress)
    return Subject(name=model.name, files=files)
