"""Export a model to files, each compared with PyTorch, into its bundle or a new folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from edgesmith.arch.spec import NetSpec
from edgesmith.core.config import to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.base import ExportOptions
from edgesmith.deploy.bundle import load_module
from edgesmith.deploy.formats import ONNX, get_exporter
from edgesmith.nn.build import Net, build
from edgesmith.recipes.model_files import MAIN_STEM, export_checked, export_suppressed
from edgesmith.recipes.models import Model, preprocessing_of
from edgesmith.recipes.net_forms import as_spec, coarse_spec, deployed, resize_left
from edgesmith.recipes.parity_pictures import parity_pictures

ANY_BATCH: Final = "any"


def export_model(
    model: Model,
    formats: str,
    *,
    out: Path,
    batch: str | None = None,
    opset: int | None = None,
    preprocessing_inside: bool = False,
    with_nms: bool = False,
    upsampling: bool = True,
    data: str | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``edgesmith export --json`` prints.

    Args:
        model: A bundle, whose weights are exported, or a zoo name or spec with initial weights.
        formats: Names separated by commas.
        out: Folder for the files.
        batch: Pictures in one run; ``any`` demands an open number, None takes it where the format can, else 1.
        opset: Version of the ONNX operators.
        preprocessing_inside: Whether the file takes uint8 pictures and scales them itself.
        with_nms: Whether a detector's ONNX file suppresses overlaps itself.
        upsampling: Whether a segmenter's file enlarges its answers to the input's size, or leaves that to others.
        data: A set whose pictures parity is judged on; without one, noise is used and said so.
        progress: Told of each stage.

    Raises:
        UsageError: A format or an option is unknown, or a format cannot do what is asked; nothing was written then.
        ExportError: A file is wrong.
    """
    exporters = [get_exporter(name.strip()) for name in formats.split(",")]
    spec, bundle = deployed(model.require_spec()), model.bundle
    rule = preprocessing_of(spec) if bundle is None else bundle.manifest.preprocessing
    if with_nms:
        _require_nms(spec, [exporter.format for exporter in exporters], batch)
    coarse = spec if upsampling else coarse_spec(spec)
    options = ExportOptions(
        batch=1 if with_nms else _batch(batch),
        open_batch=batch == ANY_BATCH,
        opset=opset,
        preprocessing=rule if preprocessing_inside else None,
    )
    for exporter in exporters:
        exporter.check_options(options, spec)
    net = build(spec).eval() if bundle is None else cast("Net", load_module(bundle))
    net = net if upsampling else as_spec(net, coarse)
    pictures = parity_pictures(data, rule)
    endings = {"-uint8": preprocessing_inside, "-nms": with_nms, "-coarse": not upsampling}
    stem = MAIN_STEM + "".join(ending for ending, is_wanted in endings.items() if is_wanted)
    files = []
    for exporter in exporters:
        with progress.stage(f"export {exporter.format}"):
            path = out / f"{stem}{exporter.suffix}"
            exported, parity = (
                export_suppressed(net, path, pictures, options=options)
                if with_nms
                else export_checked(net, exporter, path, pictures, options=options)
            )
            exported = replace(exported, resize_left=resize_left(net.spec))
        if bundle is not None:
            bundle = bundle.add_file(exported, parity=parity)
        record = to_dict(exported) | {"path": str(exported.path)}
        files.append(record | {"parity": None if parity is None else to_dict(parity)})
    return {"files": files}


def _require_nms(spec: NetSpec, formats: Sequence[str], batch: str | None) -> None:
    if spec.head.task != "detection":
        raise UsageError(f"{spec.name} is for {spec.head.task}; suppression is for detectors: leave --with-nms out")
    others = [name for name in formats if name != ONNX.format]
    if others:
        raise UsageError(
            f"suppression goes into onnx files only, not {', '.join(others)}; leave --with-nms out for them"
        )
    if batch not in (None, "1"):
        raise UsageError(f"files that suppress overlaps take one picture a run, not {batch}; leave --batch out")


def _batch(text: str | None) -> int | None:
    if text is None or text == ANY_BATCH:
        return None
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"batch must be a whole number or {ANY_BATCH!r}, got {text!r}")
    return int(text)
