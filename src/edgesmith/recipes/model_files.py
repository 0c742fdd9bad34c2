"""Model files that are wanted: made, compared with their source, and kept where there is a bundle to keep them in."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import RunError, UsageError
from edgesmith.core.extras import require
from edgesmith.core.files import write_json
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.base import DYNAMIC, INT8, ExportedFile, ExportOptions, split_kind
from edgesmith.deploy.bundle import Bundle, load_module
from edgesmith.deploy.exporter import FileExporter
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.parity import Parity, check_parity
from edgesmith.devices.local import LocalDevice
from edgesmith.devices.table import get_device
from edgesmith.recipes.parity_pictures import ParityPictures, parity_pictures
from edgesmith.runtimes.base import Loaded
from edgesmith.runtimes.table import RUNTIMES

if TYPE_CHECKING:
    from edgesmith.nn.build import Net

MAIN_STEM: Final = "model"


def export_checked(
    net: Net, exporter: FileExporter, path: Path, pictures: ParityPictures, *, options: ExportOptions = DYNAMIC
) -> tuple[ExportedFile, Parity | None]:
    """Export a net and compare the file with it; there is no comparison where the file cannot run here.

    Raises:
        ExportError: The file is wrong; it is left for inspection if only its answers differ.
    """
    exported = exporter.export(net, net.spec, path, options=options)
    if not exporter.runs_here:
        return exported, None
    parity = check_parity(net, path, [pictures.images], preprocessing=pictures.rule)
    return exported, replace(parity, pictures=pictures.kind)


def bundle_file(bundle: Bundle, kind: str, *, progress: Progress = SILENT) -> tuple[Bundle, Path]:
    """A bundle's file of a kind; a float file that is missing is exported, compared on noise, and kept in the bundle.

    Raises:
        RunError: There is no int8 file; it takes pictures to make one.
    """
    format_name, is_int8 = split_kind(kind)
    for record in bundle.manifest.files:
        if record.format == format_name and (record.precision == INT8) == is_int8:
            return bundle, bundle.path(record)
    if is_int8:
        raise RunError(
            f"{bundle.manifest.name} has no int8 {format_name} file; make one: "
            f"edgesmith quantize {bundle.folder} DATA --device {_device_of(format_name)}"
        )
    require("torch", extra="train")
    exporter = get_exporter(format_name)
    net = cast("Net", load_module(bundle))
    pictures = parity_pictures(None, bundle.manifest.preprocessing)
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder, progress.stage(f"export {format_name}"):
        exported, parity = export_checked(net, exporter, Path(folder) / f"{MAIN_STEM}{exporter.suffix}", pictures)
        bundle = bundle.add_file(exported, parity=parity)
    return bundle, bundle.folder / exported.path.name


def open_file(bundle: Bundle, device: str, *, progress: Progress = SILENT) -> Loaded:
    """The bundle's file that a device of this machine runs, ready to run; see `bundle_file`.

    Args:
        bundle: Of the model.
        device: As typed, such as ``litert:int8``.
        progress: Told of an export.

    Raises:
        UsageError: The device is elsewhere, or runs no files.
        RunError: There is no int8 file.
    """
    found = get_device(device)
    if not isinstance(found, LocalDevice) or found.format == "torch":
        raise UsageError(f"{device} runs no model files on this machine; name a runtime: {', '.join(RUNTIMES)}")
    _, path = bundle_file(bundle, found.format, progress=progress)
    return found.open(path)


def _device_of(format_name: str) -> str:
    return next(runtime.name for runtime in RUNTIMES.values() if runtime.format == format_name)


def untrained_file(spec: NetSpec, kind: str, stem: Path) -> Path:
    """A float file of a net with initial weights: its latency is that of the trained one.

    Raises:
        RunError: An int8 file is wanted: what is worth quantizing depends on the weights.
    """
    format_name, is_int8 = split_kind(kind)
    if is_int8:
        raise RunError(f"{spec.name} has no trained weights to quantize; train or import it, then edgesmith quantize")
    if format_name == "torch":
        path = stem.with_name(f"{stem.name}.json")
        write_json(path, spec.to_json())
        return path
    require("torch", extra="train")
    from edgesmith.nn.build import build

    exporter = get_exporter(format_name)
    path = stem.with_name(f"{stem.name}{exporter.suffix}")
    exporter.export(build(spec).eval(), spec, path)
    return path
