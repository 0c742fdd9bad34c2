"""The zoo as rows, and one model as facts."""

from __future__ import annotations

from typing import Any

from edgesmith.arch.cost import count, count_total
from edgesmith.arch.spec import model_hash, spec_hash
from edgesmith.arch.zoo.entry import Published
from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.config import to_dict
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.recipes.models import Model
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
        "published": {"top1": published.top1, "data": published.data, "source": published.source},
        "weights": list(sources_of(model)),
    }


def inspect_model(model: Model) -> dict[str, Any]:
    """What ``edgesmith inspect --json`` prints; a bundle adds its classes, files and records."""
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
        "preprocessing": Preprocessing.for_resolution(*spec.resolution).to_dict(),
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
    return facts
