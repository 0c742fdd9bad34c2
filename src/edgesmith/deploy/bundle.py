"""The product: one folder with model files, weights, preprocessing, records, sample code and a card."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import safetensors.numpy

from edgesmith.arch.spec import NetSpec, model_hash, spec_hash
from edgesmith.core.errors import RunError
from edgesmith.core.extras import require
from edgesmith.core.files import atomic_folder, copy_path, read_json, sha256_file, sha256_path, write_json, write_text
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.manifest import FileRecord, Manifest, WeightsRecord
from edgesmith.deploy.model_card import render_model_card
from edgesmith.deploy.parity import Parity
from edgesmith.deploy.sample import end_of, render_sample, sample_names

if TYPE_CHECKING:
    from torch import nn

MANIFEST_NAME: Final = "bundle.json"
WEIGHTS_NAME: Final = "weights.safetensors"
SPEC_NAME: Final = "spec.json"
CLASSES_NAME: Final = "classes.txt"
CARD_NAME: Final = "model_card.md"

_PACKAGES: Final = ("edgesmith", "torch", "torchvision", "onnx", "onnxscript", "onnxruntime", "numpy", "pillow")


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle on disk, read without torch.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
    """

    folder: Path
    manifest: Manifest

    def path(self, record: FileRecord) -> Path:
        """Where a file of the bundle lies."""
        return self.folder / record.path

    def add_latency(self, records: Sequence[Mapping[str, Any]]) -> Bundle:
        """Keep measured latencies in the bundle and in its card.

        Args:
            records: As ``measure --json`` gives them: ``name``, ``device``, ``ms``, ``low_ms``, ``high_ms`` and so
                on, with ``conditions``.
        """
        latency = (*self.manifest.latency, *(dict(record) for record in records))
        manifest = replace(self.manifest, latency=latency)
        write_json(self.folder / MANIFEST_NAME, manifest.to_json())
        write_text(self.folder / CARD_NAME, render_model_card(manifest))
        return replace(self, manifest=manifest)

    def add_file(self, exported: ExportedFile, *, parity: Parity | None) -> Bundle:
        """Copy one more model file into the bundle, with its sample code; it replaces one of the same name.

        Raises:
            RunError: The disk is full; the bundle is then as it was.
        """
        record = _record(exported, parity, self.manifest.task)
        others = tuple(other for other in self.manifest.files if other.path != record.path)
        manifest = replace(self.manifest, files=(*others, record))
        with atomic_folder(self.folder) as folder:
            shutil.copytree(self.folder, folder, dirs_exist_ok=True)
            if exported.path.absolute() != self.path(record).absolute():
                _copy_model(exported, folder)
            _write_texts(folder, manifest)
        return replace(self, manifest=manifest)


def is_bundle(path: Path) -> bool:
    """Whether ``path`` is a folder that claims to be a bundle."""
    return (path / MANIFEST_NAME).is_file()


def open_bundle(path: Path, *, verify: bool = True) -> Bundle:
    """Read a bundle and check that its files are those that were written.

    Args:
        path: The folder.
        verify: Compare the digest of each file; False reads the manifest alone.

    Raises:
        RunError: It is no bundle, is damaged, or a file is missing or was changed.
    """
    if not is_bundle(path):
        problem = "is not a bundle: it has no bundle.json" if path.exists() else "does not exist"
        raise RunError(f"{path} {problem}; edgesmith fit and edgesmith export write bundles")
    manifest = Manifest.from_json(read_json(path / MANIFEST_NAME), where=str(path / MANIFEST_NAME))
    if verify:
        _verify(path, manifest.weights.path, manifest.weights.sha256)
        for record in manifest.files:
            _verify_model(path, record)
    return Bundle(folder=path, manifest=manifest)


def write_bundle(
    path: Path,
    *,
    name: str,
    task: str,
    spec: NetSpec,
    module: nn.Module,
    classes: Sequence[str],
    preprocessing: Preprocessing,
    files: Sequence[tuple[ExportedFile, Parity | None]],
    metrics: Mapping[str, Any],
    provenance: Mapping[str, Any],
    latency: Sequence[Mapping[str, Any]] = (),
    ranges: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
    category_ids: Sequence[int] = (),
) -> Bundle:
    """Write a whole bundle, or nothing.

    Args:
        path: The folder; an earlier bundle there is replaced, any other folder that is not empty is refused.
        name: What people call the model.
        task: Such as ``classification``.
        spec: What ``module`` was built from.
        module: Its state becomes the weights.
        classes: Names in the order of the logits.
        preprocessing: From picture to input.
        files: Exported files, copied into the bundle under their own names, the main one first.
        metrics: Accuracies 0..1 with their intervals, the split and its number of pictures.
        provenance: Facts of the training; versions of the packages are added.
        latency: As `Bundle.add_latency` takes them.
        ranges: Activation ranges of the quantized file that the weights come from; see `Manifest`.
        category_ids: What the training set calls each class by number, where it is one of COCO.

    Raises:
        RunError: The disk is full, the folder holds something else, or the parts do not fit one another.
    """
    _refuse_other_folder(path)
    weights = _weights(module, spec)
    with atomic_folder(path) as folder:
        (folder / WEIGHTS_NAME).write_bytes(weights)
        manifest = Manifest(
            name=name,
            task=task,
            spec=spec,
            classes=tuple(classes),
            preprocessing=preprocessing,
            files=tuple(_record(exported, parity, task) for exported, parity in files),
            weights=WeightsRecord(path=WEIGHTS_NAME, bytes=len(weights), sha256=sha256_file(folder / WEIGHTS_NAME)),
            latency=tuple(dict(record) for record in latency),
            metrics=dict(metrics),
            provenance={"versions": _versions()} | dict(provenance),
            ranges={key: dict(values) for key, values in ranges.items()},
            category_ids=tuple(category_ids),
        )
        for (exported, _), record in zip(files, manifest.files, strict=True):
            _copy_model(exported, folder)
            _verify_model(folder, record)
        _write_texts(folder, manifest)
    return Bundle(folder=path, manifest=manifest)


def load_module(bundle: Bundle) -> nn.Module:
    """The float network with its weights, in evaluation mode.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: The weights do not fit the spec.
    """
    require("torch", extra="train")
    from safetensors.torch import load_file

    from edgesmith.nn.build import build
    from edgesmith.weights.state import load_state

    net = build(bundle.manifest.spec)
    load_state(net, load_file(bundle.folder / bundle.manifest.weights.path))
    return net.eval()


def _record(exported: ExportedFile, parity: Parity | None, task: str) -> FileRecord:
    samples = sample_names(exported.format, exported.path.name, end_of(task, exported))
    return FileRecord.of(exported, parity=parity, samples=samples)


def _weights(module: nn.Module, spec: NetSpec) -> bytes:
    """Safetensors in memory: its own writer reports a full disk as something that is no OSError."""
    state = {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in module.state_dict().items()}
    return safetensors.numpy.save(state, metadata={"spec_hash": spec_hash(spec), "model_hash": model_hash(spec)})


def _write_texts(folder: Path, manifest: Manifest) -> None:
    """Everything in a bundle that a person may read, into a folder that is not yet in its place."""
    texts = {
        MANIFEST_NAME: _json(manifest.to_json()),
        SPEC_NAME: _json(manifest.spec.to_json()),
        CLASSES_NAME: "".join(" ".join(name.split("\n")) + "\n" for name in manifest.classes),
        CARD_NAME: render_model_card(manifest),
    }
    samples = {
        name: render_sample(name, record, manifest.preprocessing, manifest.task)
        for record in manifest.files
        for name in record.samples
    }
    for name, text in (texts | samples).items():
        (folder / name).write_text(text, encoding="utf-8")


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _copy_model(exported: ExportedFile, folder: Path) -> None:
    """Copy a model file, or folder, and what must lie beside it."""
    for name in (exported.path.name, *exported.companions):
        copy_path(exported.path.with_name(name), folder / name)


def _verify_model(folder: Path, record: FileRecord) -> None:
    for name, sha256 in {record.path: record.sha256, **record.companions}.items():
        _verify(folder, name, sha256)


def _verify(folder: Path, name: str, sha256: str) -> None:
    path = folder / name
    if Path(name).name != name or not path.exists():
        raise RunError(f"{path} is missing from its bundle; export it again")
    if sha256_path(path) != sha256:
        raise RunError(f"{path} is not the file that its bundle recorded (SHA-256 differs); export it again")


def _refuse_other_folder(path: Path) -> None:
    if path.exists() and not is_bundle(path) and (path.is_file() or any(path.iterdir())):
        raise RunError(f"{path} holds something that is not a bundle; choose another folder")


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
