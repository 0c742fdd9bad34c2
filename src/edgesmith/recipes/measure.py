"""Measure any mix of zoo names, specs, bundles and model files; nets without a file are exported for it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgesmith.core.caches import cache_folder
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.base import split_kind
from edgesmith.deploy.bundle import open_bundle
from edgesmith.devices.measure import DEFAULT_PLAN, Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Measurement
from edgesmith.devices.table import get_devices
from edgesmith.recipes.model_files import bundle_file, untrained_file
from edgesmith.recipes.models import Model
from edgesmith.recipes.roofline import add_rooflines
from edgesmith.runtimes.table import runtime_for


def measure_models(
    models: Sequence[Model], device: str, *, plan: Plan = DEFAULT_PLAN, progress: Progress = SILENT
) -> Measurement:
    """Latencies and verdicts; records of bundles are kept in them.

    Args:
        models: What to measure, side by side.
        device: One device or several, as typed.
        plan: How long and how precisely.
        progress: Told of each stage.
    """
    devices = get_devices(device)
    formats = {each.format for each in devices}
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder:
        subjects: list[Subject] = []
        with progress.stage("prepare files", len(models), "models") as stage:
            for number, model in enumerate(models):
                stem = Path(folder) / str(number) / re.sub(r"[^\w.=,@-]+", "-", model.name)
                subjects.append(_subject(model, formats, stem, progress=progress))
                stage.advance(detail=model.name)
        measurement = measure(subjects, devices, plan=plan, progress=progress)
    measurement = add_rooflines(measurement, models, devices, cache=cache_folder())
    for folder_of_bundle in {model.bundle.folder for model in models if model.bundle is not None}:
        bundle = open_bundle(folder_of_bundle, verify=False)  # files may have been added
        records = [record for record in measurement.records() if record["name"] == bundle.manifest.name]
        bundle.add_latency(list({str(record["device"]): record for record in records}.values()))
    return measurement


def _subject(model: Model, formats: set[str], stem: Path, *, progress: Progress) -> Subject:
    if model.file is not None:
        name = runtime_for(model.file.suffix).format
        return Subject(name=model.name, files={kind: model.file for kind in formats if split_kind(kind)[0] == name})
    if model.bundle is None:
        spec = model.require_spec()
        return Subject(name=model.name, files={name: untrained_file(spec, name, stem) for name in formats})
    bundle, files = model.bundle, {"torch": model.bundle.folder}
    for name in sorted(formats - {"torch"}):
        bundle, files[name] = bundle_file(bundle, name, progress=progress)
    return Subject(name=model.name, files=files)
