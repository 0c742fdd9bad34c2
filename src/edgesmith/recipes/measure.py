"""Measure any mix of zoo names, specs, bundles and model files; nets without a file are exported for it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgesmith.core.files import write_json
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.formats import get_exporter
from edgesmith.devices.measure import DEFAULT_PLAN, Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Measurement
from edgesmith.devices.table import get_devices
from edgesmith.recipes.models import Model


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
                subjects.append(_subject(model, formats, Path(folder) / str(number)))
                stage.advance(detail=model.name)
        measurement = measure(subjects, devices, plan=plan, progress=progress)
    for bundle in {model.bundle.folder: model.bundle for model in models if model.bundle is not None}.values():
        records = [record for record in measurement.records() if record["name"] == bundle.manifest.name]
        bundle.add_latency(list({str(record["device"]): record for record in records}.values()))
    return measurement


def _subject(model: Model, formats: set[str], stem: Path) -> Subject:
    if model.file is not None:
        return Subject(name=model.name, files={model.file.suffix.removeprefix("."): model.file})
    if model.bundle is not None:
        bundle = model.bundle
        files = {record.format: bundle.path(record) for record in reversed(bundle.manifest.files)}
        return Subject(name=model.name, files=files | {"torch": bundle.folder})
    return Subject(name=model.name, files={fmt: _make_file(model, fmt, stem) for fmt in formats})


def _make_file(model: Model, fmt: str, stem: Path) -> Path:
    """A file of an untrained net: its latency is that of the trained one."""
    spec = model.require_spec()
    if fmt == "torch":
        write_json(stem.with_suffix(".json"), spec.to_json())
        return stem.with_suffix(".json")
    from edgesmith.core.extras import require

    require("torch", extra="train")
    from edgesmith.nn.build import build

    exporter = get_exporter(fmt)
    path = stem.with_suffix(exporter.suffix)
    exporter.export(build(spec).eval(), spec, path)
    return path
