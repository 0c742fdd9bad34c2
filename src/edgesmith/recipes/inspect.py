"""The zoo as rows, and one model as facts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from edgesmith.arch.cost import count, count_total
from edgesmith.arch.spec import NetSpec, model_hash, spec_hash
from edgesmith.arch.zoo.entry import Published
from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.caches import cache_folder
from edgesmith.core.config import to_dict
from edgesmith.core.progress import SILENT, Progress
from edgesmith.devices.base import Device
from edgesmith.devices.blocks.files import maker_for
from edgesmith.devices.blocks.library import load_table, trials_of
from edgesmith.devices.blocks.times import measure_blocks
from edgesmith.devices.table import get_device
from edgesmith.recipes.models import Model, preprocessing_of
from edgesmith.weights.sources.known import sources_of


def list_models() -> list[dict[str, Any]]:
    """One row a zoo name and published variant of it, as ``edgesmith models --json`` prints them."""
    return [_row(name, published) for name, entry in MODELS.items() for published in entry.published]


def _row(name: str, published: Published) -> dict[str, Any]:
    model = f"{name}@{published.options}" if published.options else name
    spec = find(model)
    cost = count_total(spec)
    return {
        "name": model,
        "family": spec.family,
        "resolution": spec.resolution[0],
        "parameters": cost.parameters,
        "madds": cost.madds,
        "task": spec.head.task,
        "input": list(spec.resolution),
        "published": {
            "top1": published.top1,
            "miou": published.miou,
            "map": published.mean_ap,
            "data": published.data,
            "source": published.source,
        },
        "weights": list(sources_of(model)),
    }


def inspect_model(model: Model, *, device: str | None = None, progress: Progress = SILENT) -> dict[str, Any]:
    """What ``edgesmith inspect --json`` prints; a bundle adds its classes, files and records.

    Args:
        model: A model with a spec.
        device: Adds what each block takes there.
        progress: Told of timing.
    """
    spec = model.require_spec()
    cost = count(spec)
    facts: dict[str, Any] = {
        "name": model.name,
        "spec_hash": spec_hash(spec),
        "model_hash": model_hash(spec),
        "parameters": cost.total.parameters,
        "madds": cost.total.madds,
        "peak_bytes": cost.total.peak_bytes,
        "blocks": [
            {
                "index": row.index,
                "kind": row.kind,
                "in_shape": list(row.in_shape),
                "out_shape": list(row.out_shape),
                "parameters": row.cost.parameters,
                "madds": row.cost.madds,
            }
            for row in cost.rows
        ],
        "preprocessing": preprocessing_of(spec).to_dict(),
        "spec": spec.to_json(),
    }
    if model.bundle is not None:
        manifest = model.bundle.manifest
        facts |= {
            "preprocessing": manifest.preprocessing.to_dict(),
            "classes": list(manifest.classes),
            "files": [to_dict(record) for record in manifest.files],
            "latency": [dict(record) for record in manifest.latency],
            "metrics": dict(manifest.metrics),
        }
    return facts if device is None else _with_milliseconds(facts, spec, device, progress)


def _with_milliseconds(facts: dict[str, Any], spec: NetSpec, name: str, progress: Progress) -> dict[str, Any]:
    """Milliseconds of each block: by the device's table if it may be used, else timed by themselves, and not added up.

    Pieces that nobody has timed on the device yet are timed now.
    """
    device = get_device(name)
    trials = trials_of(device, cache_folder())
    if trials and trials[-1].gate.passed:
        return _with_prediction(facts, spec, device)
    times = measure_blocks(facts["name"], spec, device, cache=cache_folder(), progress=progress)
    *blocks_ms, head_ms = (block.ms for block in times)
    told = {"device": device.name, "sum_ms": sum(blocks_ms) + head_ms, "head_ms": head_ms}
    return _with_rows(facts, blocks_ms) | {"timed": told | {"disturbed": any(block.disturbed for block in times)}}


def _with_prediction(facts: dict[str, Any], spec: NetSpec, device: Device) -> dict[str, Any]:
    table = load_table(device, cache_folder(), maker_for(device.format))
    predicted = to_dict(table.predict(spec)) | {"device": device.name, "fixed_ms": table.calibration.fixed_ms}
    *blocks_ms, head_ms = table.breakdown(spec)
    return _with_rows(facts, blocks_ms) | {"predicted": predicted | {"head_ms": head_ms}}


def _with_rows(facts: dict[str, Any], blocks_ms: Sequence[float]) -> dict[str, Any]:
    """The head's operations, which follow the blocks, have no time of their own."""
    return facts | {"blocks": [row | {"ms": ms} for row, ms in zip_longest(facts["blocks"], blocks_ms)]}
