"""Somebody's weights into a bundle: read, built, exported, and compared on pictures."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import model_hash, spec_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.config import to_dict
from edgesmith.core.errors import RunError, UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.bundle import is_bundle, write_bundle
from edgesmith.deploy.formats import ONNX
from edgesmith.nn.build import build
from edgesmith.recipes.model_files import MAIN_STEM, export_checked
from edgesmith.recipes.parity_pictures import parity_pictures
from edgesmith.weights.imported import Imported
from edgesmith.weights.sources.table import read_source


def import_weights(
    source: str,
    *,
    out: Path,
    model: str | None = None,
    labels: Path | None = None,
    data: str | None = None,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``edgesmith import --json`` prints.

    Args:
        source: ``torchvision:NAME``, ``timm:NAME``, or a file.
        out: Folder of the bundle.
        model: Zoo name with options, for a file that does not say what network it is of.
        labels: Class names, one a line, where the source has none; a name for a background that was dropped is too.
        data: A set whose pictures the exported file is compared on; noise by default.
        overwrite: Replace an earlier bundle in ``out``.
        progress: Told of each stage.

    Raises:
        UsageError: The source, the model or the labels are not what they should be.
        WeightsError: The weights cannot be used.
        RunError: There is something in ``out`` already.
    """
    if is_bundle(out) and not overwrite:
        raise RunError(f"{out} holds a bundle; add --overwrite to replace it, or choose another --out")
    imported = read_source(source, spec=None if model is None else find(model))
    for note in imported.notes:
        progress.note(note)
    classes = _classes(imported, labels)
    net = build(imported.spec)
    net.load_state_dict(dict(imported.state))
    net.eval()
    pictures = parity_pictures(data, imported.preprocessing)
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder, progress.stage("export onnx"):
        file = export_checked(net, ONNX, Path(folder) / f"{MAIN_STEM}{ONNX.suffix}", pictures)
        bundle = write_bundle(
            out,
            name=imported.name,
            task=net.spec.head.task,
            spec=net.spec,
            module=net,
            classes=classes,
            preprocessing=imported.preprocessing,
            files=[file],
            metrics={},
            provenance={"source": imported.source, "notes": list(imported.notes)},
            ranges={name: to_dict(each) for name, each in (imported.ranges or {}).items()},
        )
    return {
        "bundle": str(bundle.folder),
        "name": imported.name,
        "source": imported.source,
        "spec_hash": spec_hash(net.spec),
        "model_hash": model_hash(net.spec),
        "parameters": count_total(net.spec).parameters,
        "num_classes": net.spec.num_classes,
        "preprocessing": imported.preprocessing.to_dict(),
        "notes": list(imported.notes),
        "ranges": len(imported.ranges or {}),
        "parity": to_dict(file[1]),
    }


def _classes(imported: Imported, labels: Path | None) -> tuple[str, ...]:
    """Names from the labels file, the source's own, or numbers."""
    count = imported.spec.num_classes
    if labels is None:
        return imported.classes or tuple(str(number) for number in range(count))
    try:
        lines = tuple(line.strip() for line in labels.expanduser().read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{labels} cannot be read as a list of names: {error}") from None
    names = lines[1:] if len(lines) == count + 1 else lines
    if len(names) != count:
        raise UsageError(f"{labels} has {len(lines)} lines, and the network answers {count} classes")
    return tuple(f"{name} ({i})" if names.count(name) > 1 else name for i, name in enumerate(names))
