"""Export a model to files, each compared with PyTorch, into its bundle or a new folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgesmith.core.config import to_dict
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.base import ExportOptions
from edgesmith.deploy.bundle import load_module
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.parity import check_parity
from edgesmith.recipes.models import Model, preprocessing_of
from edgesmith.recipes.parity_pictures import parity_pictures


def export_model(
    model: Model,
    formats: str,
    *,
    out: Path,
    batch: int | None = None,
    opset: int | None = None,
    preprocessing_inside: bool = False,
    data: str | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``edgesmith export --json`` prints.

    Args:
        model: A bundle, whose weights are exported, or a zoo name or spec with initial weights.
        formats: Names separated by commas.
        out: Folder for the files.
        batch: Pictures in one run; None leaves the number open.
        opset: Version of the ONNX operators.
        preprocessing_inside: Whether the file takes uint8 pictures and scales them itself.
        data: A set whose pictures parity is judged on; without one, noise is used and said so.
        progress: Told of each stage.
    """
    from edgesmith.nn.build import build

    spec, bundle = model.require_spec(), model.bundle
    net = build(spec).eval() if bundle is None else load_module(bundle)
    rule = preprocessing_of(spec) if bundle is None else bundle.manifest.preprocessing
    pixels = parity_pictures(data, rule)
    options = ExportOptions(batch=batch, opset=opset, preprocessing=rule if preprocessing_inside else None)
    files = []
    for name in formats.split(","):
        exporter = get_exporter(name.strip())
        stem = "model-uint8" if preprocessing_inside else "model"
        with progress.stage(f"export {name}"):
            exported = exporter.export(net, spec, out / f"{stem}{exporter.suffix}", options=options)
            parity = check_parity(net, exported.path, [pixels], preprocessing=rule)
        if bundle is not None:
            bundle = bundle.add_file(exported, parity=parity)
        record = to_dict(exported) | {"path": str(exported.path), "operators": dict(exported.operators)}
        files.append(record | {"parity": to_dict(parity) | {"pictures": "noise" if data is None else data}})
    return {"files": files}
