"""The card of a bundle: what it is, how good, how fast, for what, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from edgesmith.arch.cost import count
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.manifest import FileRecord, Manifest
from edgesmith.tasks.figures import figure_of, figure_words

# The others stand in the manifest.
_CONDITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cpu": "CPU",
        "runtime": "runtime",
        "version": "version",
        "precision": "in",
        "threads": "threads",
        "load_before": "load",
    }
)


def render_model_card(manifest: Manifest) -> str:
    """The whole card; it says only what the manifest knows."""
    sections = {
        "What it is": _identity(manifest),
        "Accuracy": _accuracy(manifest.metrics),
        "Latency": _latency(manifest.latency),
        "Files": _files(manifest.files),
        "Preprocessing": _preprocessing(manifest),
        "Data and training": _provenance(manifest.provenance),
        "Limits": _limits(manifest),
        "Licence": _licence(manifest.provenance),
    }
    parts = [f"# {manifest.name}", *(f"## {title}\n\n{text}" for title, text in sections.items())]
    return "\n\n".join(parts) + "\n"


def _identity(manifest: Manifest) -> str:
    spec, total = manifest.spec, count(manifest.spec).total
    height, width = spec.resolution
    return (
        f"A {manifest.task} network, {spec.name} ({spec.family}), for {height}x{width} pixels and {spec.num_classes} "
        f"classes: {total.parameters:,} parameters, {total.madds:,} multiply-adds.\n"
        f"Classes: {_shortened(manifest.classes)}."
    )


def _shortened(names: Sequence[str], *, limit: int = 20) -> str:
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more (classes.txt)" if more > 0 else "")


def _accuracy(metrics: Mapping[str, Any]) -> str:
    if figure_of(metrics) is None:
        return "Not scored."
    words = figure_words({key: value for key, value in metrics.items() if key != "num_images"})
    if "num_images" in metrics:
        words += f" on {metrics['num_images']} pictures of the {metrics.get('split', 'evaluation')} split"
    text = words[0].upper() + words[1:] if words.startswith("top") else words
    top5 = f"\nTop-5 {metrics['top5']:.1%}." if "top5" in metrics else ""
    return f"{text}, none of which chose the model or its weights.{top5}"


def _latency(records: Sequence[Mapping[str, Any]]) -> str:
    if not records:
        return "Not measured yet; `edgesmith measure` on this folder measures the file itself."
    newest = {record.get("device"): record for record in records}
    rows = [
        f"| {r.get('device', '')} | {_number(r.get('ms'))} | {_number(r.get('low_ms'))} to {_number(r.get('high_ms'))} "
        f"| {_number(r.get('p90_ms'))} | {_conditions(r)} |"
        for r in newest.values()
    ]
    head = "| device | ms per picture | interval | p90 | conditions |\n|---|---|---|---|---|"
    return "\n".join([head, *rows]) + "\n\nAnother processor, load or runtime version gives other figures."


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "not known"


def _conditions(record: Mapping[str, Any]) -> str:
    conditions = record.get("conditions") or {}
    facts = [f"{label} {conditions[key]}" for key, label in _CONDITIONS.items() if conditions.get(key) is not None]
    return ", ".join([*facts, *(["contended"] if record.get("contended") else [])]).replace("|", "/") or "not recorded"


def _files(records: Sequence[FileRecord]) -> str:
    head = "| file | format | precision | batch | bytes | against its source |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(_file_row(record) for record in records)])


def _file_row(record: FileRecord) -> str:
    parity = record.parity
    close = f"{parity.relative:.1e} relative on {parity.num_pictures} pictures" if parity else "not checked"
    taken = f"{record.batch or 'any'}{', uint8 pictures' if record.preprocessing_inside else ''}"
    opset = f" (opset {record.opset})" if record.opset else ""
    return f"| {record.path} | {record.format}{opset} | {record.precision} | {taken} | {record.bytes:,} | {close} |"


def _preprocessing(manifest: Manifest) -> str:
    rule = manifest.preprocessing
    turned = "turned upright by their EXIF tag and " if rule.apply_orientation else "not turned by their EXIF tag, "
    samples = [name for record in manifest.files for name in record.samples]
    shown = f"\nSpelled out in {', '.join(samples)}." if samples else ""
    return (
        f"Pictures are {turned}read as RGB; {_cut(rule)}, and values 0..255 "
        f"become `(value * {rule.scale:.8g} - mean) / std` with mean {rule.mean} and std {rule.std}.{shown}"
    )


def _cut(rule: Preprocessing) -> str:
    if rule.is_whole:
        return f"the whole picture is resized to {rule.height}x{rule.width} ({rule.interpolation}, antialiased)"
    return (
        f"the short side is resized to {rule.resize_short} pixels ({rule.interpolation}, antialiased), "
        f"the middle {rule.height}x{rule.width} is cut out"
    )


def _provenance(provenance: Mapping[str, Any]) -> str:
    lines = [f"- {name}: {_plain(value)}" for name, value in provenance.items() if not name.endswith("licence")]
    return "\n".join(lines) or "Not recorded."


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)


def _limits(manifest: Manifest) -> str:
    if manifest.task != "classification":
        what = "gives every place one of them" if manifest.task == "segmentation" else "finds objects of these alone"
        return (
            f"It knows {len(manifest.classes)} classes and {what}. The accuracy holds for "
            "pictures like those it was scored on, and the latency for the device and conditions in the table."
        )
    return (
        f"It knows {len(manifest.classes)} classes and always names one of them, also for a picture of something else; "
        "its scores are not calibrated probabilities. The accuracy holds for pictures like those it was scored on, "
        "and the latency for the device and conditions in the table."
    )


def _licence(provenance: Mapping[str, Any]) -> str:
    stated = [f"{name.replace('_', ' ')}: {provenance[name]}" for name in provenance if name.endswith("licence")]
    weights = "The weights follow the licence of the pictures (and of the weights) that they were trained from"
    return f"{weights}; {'; '.join(stated) or 'none was stated here'}. The sample code may be used freely."
