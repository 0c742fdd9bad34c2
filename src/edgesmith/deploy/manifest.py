"""What a bundle says of itself: `bundle.json`, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from edgesmith.arch.spec import NetSpec, model_hash, spec_hash
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import EdgesmithError, RunError
from edgesmith.core.table import closest
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.parity import Parity
from edgesmith.runtimes.base import TensorInfo

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """One model file of a bundle.

    Attributes:
        format: Such as ``onnx``.
        path: Its name inside the bundle.
        bytes: Its size.
        sha256: Hex digest of its content.
        precision: Number format of weights and arithmetic.
        batch: Pictures in one run; None where any number will do.
        opset: Version of the ONNX operators; None for other formats.
        preprocessing_inside: Whether it takes uint8 pictures ``(N, H, W, 3)`` and scales them itself.
        operators: How often each operator occurs.
        companions: Names of the files that must lie beside it, with their digests.
        layout: ``NCHW`` or ``NHWC``: where the input's colours are.
        outside: Operators that the format's fast kernels leave to slow ones.
        in_float: Operators of an int8 file that compute in float; empty where its runtime does not tell.
        input: What it takes, as its runtime reads it from the file; None where that was not read.
        output: What it gives, likewise.
        suppressed: Whether a detector's file answers with the boxes that are left after suppression.
        resize_left: How a segmenter's answers must still be enlarged to the input's size: corners ``aligned``, or
            ``half`` a pixel in; empty where the file does that.
        notes: What its exporter wanted said, a line each.
        parity: How far it is from its source on real pictures; None where that was not checked.
        samples: Names of its sample code inside the bundle, Python first.
    """

    format: str
    path: str
    bytes: int
    sha256: str
    precision: str
    batch: int | None
    opset: int | None
    preprocessing_inside: bool
    operators: Mapping[str, int]
    companions: Mapping[str, str] = field(default_factory=dict)
    layout: str = "NCHW"
    outside: Mapping[str, int] = field(default_factory=dict)
    in_float: Mapping[str, int] = field(default_factory=dict)
    input: TensorInfo | None = None
    output: TensorInfo | None = None
    suppressed: bool = False
    resize_left: str = ""
    notes: tuple[str, ...] = ()
    parity: Parity | None = None
    samples: tuple[str, ...] = ()

    @classmethod
    def of(cls, exported: ExportedFile, *, parity: Parity | None, samples: tuple[str, ...]) -> Self:
        """The record of a file that was just exported."""
        values = {name: getattr(exported, name) for name in exported.__dataclass_fields__}
        return cls(**(values | {"path": exported.path.name}), parity=parity, samples=samples)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return to_dict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; keys of a later edgesmith are passed over."""
        values = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        if values.get("parity") is not None:
            values["parity"] = from_dict(Parity, values["parity"])
        for end in ("input", "output"):
            if values.get(end) is not None:
                values[end] = from_dict(TensorInfo, values[end])
        values["notes"] = tuple(values.get("notes", ()))
        values["samples"] = tuple(values.get("samples", filter(None, [data.get("sample")])))
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class WeightsRecord:
    """The float weights of a bundle, as safetensors."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything about a model that its files do not say.

    Attributes:
        name: What people call it.
        task: Such as ``classification``.
        spec: The network.
        classes: Names in the order of the logits.
        preprocessing: From picture to input, exactly.
        files: Model files, the main one first.
        weights: The float weights.
        latency: Measured latencies, oldest first; each names its device, its interval and its conditions.
        metrics: Accuracies 0..1 with their intervals, the split and its number of pictures.
        provenance: Versions of what made it, and facts of the training.
        ranges: What each activation may be (``low``, ``high``, ``step``) in the quantized file that the weights come
            from, by the name of its operation; empty for all others.
        category_ids: What the training set calls each class by number, where it is one of COCO; else empty.
    """

    name: str
    task: str
    spec: NetSpec
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    files: tuple[FileRecord, ...]
    weights: WeightsRecord
    latency: tuple[Mapping[str, Any], ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    ranges: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    category_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.classes) != self.spec.num_classes:
            raise RunError(f"{self.name}: {len(self.classes)} class names for {self.spec.num_classes} classes")
        rule = self.preprocessing
        if (rule.height, rule.width) != self.spec.resolution:
            raise RunError(
                f"{self.name}: preprocessing cuts {rule.height}x{rule.width}, the network takes {self.spec.resolution}"
            )

    def file(self, format_name: str = "onnx", *, preprocessing_inside: bool | None = None) -> FileRecord:
        """The first file of a format.

        Args:
            format_name: Such as ``onnx``.
            preprocessing_inside: None takes either kind.

        Raises:
            RunError: The bundle has no such file; names those that it has.
        """
        for record in self.files:
            if record.format == format_name and preprocessing_inside in (None, record.preprocessing_inside):
                return record
        formats = sorted({record.format for record in self.files})
        near = closest(format_name, formats)
        hint = f"did you mean {near!r}? " if near and near != format_name else ""
        raise RunError(f"{self.name} has no such {format_name} file; {hint}it has: {', '.join(formats) or 'none'}")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, hashes included."""
        return {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "task": self.task,
            "spec_hash": spec_hash(self.spec),
            "model_hash": model_hash(self.spec),
            "classes": list(self.classes),
            "preprocessing": self.preprocessing.to_dict(),
            "files": [record.to_json() for record in self.files],
            "weights": to_dict(self.weights),
            "latency": [dict(record) for record in self.latency],
            "metrics": dict(self.metrics),
            "provenance": dict(self.provenance),
            "ranges": {name: dict(values) for name, values in self.ranges.items()},
            "category_ids": list(self.category_ids),
            "spec": self.spec.to_json(),
        }

    @classmethod
    def from_json(cls, data: Any, *, where: str) -> Self:
        """Read what `to_json` wrote.

        Args:
            data: The parsed file.
            where: What messages call the file.

        Raises:
            RunError: It is no manifest, of a later edgesmith, or its spec does not fit its hash.
        """
        version = data.get("format_version") if isinstance(data, Mapping) else None
        if not isinstance(version, int):
            raise RunError(f"{where} is not the manifest of a bundle: it has no format_version")
        if version > FORMAT_VERSION:
            raise RunError(f"{where} has format {version}, this edgesmith reads up to {FORMAT_VERSION}; upgrade it")
        try:
            manifest = cls._of(data)
        except (KeyError, TypeError, ValueError, AttributeError, EdgesmithError) as error:
            raise RunError(f"{where} is damaged: {type(error).__name__}: {error}") from error
        if model_hash(manifest.spec) != data["model_hash"]:
            raise RunError(f"{where}: the spec was changed after its hash {data['model_hash']} was written")
        return manifest

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> Self:
        records: Sequence[Mapping[str, Any]] = data["files"]
        return cls(
            name=str(data["name"]),
            task=str(data["task"]),
            spec=NetSpec.from_json(data["spec"]),
            classes=tuple(data["classes"]),
            preprocessing=Preprocessing.from_dict(data["preprocessing"]),
            files=tuple(FileRecord.from_json(record) for record in records),
            weights=from_dict(WeightsRecord, data["weights"]),
            latency=tuple(data["latency"]),
            metrics=data["metrics"],
            provenance=data["provenance"],
            ranges=data.get("ranges", {}),
            category_ids=tuple(data.get("category_ids", ())),
        )
