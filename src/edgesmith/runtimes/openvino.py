"""OpenVINO IR (``.xml`` with ``.bin``) files on OpenVINO's CPU plugin."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.core.extras import package_version, require
from edgesmith.core.signal_stack import kept_signal_stack
from edgesmith.core.table import lookup
from edgesmith.runtimes.base import (
    Array,
    TensorInfo,
    picture_layout,
    refuse_options,
    require_companions,
    require_images,
    require_one,
)

_EXTRA: Final = "openvino"
_PRECISIONS: Final[Mapping[str, str]] = {"f32": "f32", "bf16": "bf16", "f16": "f16"}
_DTYPES: Final[Mapping[str, str]] = {
    "f32": "float32", "f16": "float16", "u8": "uint8", "i8": "int8", "i32": "int32", "i64": "int64",
}  # fmt: skip
_NO_ARITHMETIC: Final = frozenset(
    {"Const", "Input", "Output", "Reorder", "Convert", "FakeQuantize", "Reshape", "Transpose"}
)


class OpenVinoRuntime:
    """OpenVINO with one stream, the asked number of threads, and arithmetic in float32.

    Option ``arithmetic`` (``f32``, ``bf16`` or ``f16``): the hint for float layers. OpenVINO's own choice is bfloat16
    where the processor has it, which moves logits by a per cent; int8 layers are the file's and not touched by it.
    """

    name: Final = "openvino"
    format: Final = "openvino"
    suffix: Final = ".xml"
    companion_suffixes: Final = (".bin",)
    delegate: Final = "CPU plugin"
    option_names: Final = ("arithmetic",)

    def version(self) -> str:
        """The version of the openvino package."""
        return package_version("openvino", extra=_EXTRA)

    def check(self, options: Mapping[str, str]) -> None:
        """Refuse unknown options and values; see `edgesmith.runtimes.base.Runtime`."""
        refuse_options(options, self)
        lookup(_PRECISIONS, options.get("arithmetic", "f32"), what="value of arithmetic")

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, str] | None = None) -> OpenVinoFile:
        """Open an IR file; see `edgesmith.runtimes.base.Runtime`."""
        options = options or {}
        self.check(options)
        if threads < 1:
            raise UsageError(f"threads must be at least 1, got {threads}")
        require_companions(path, self.companion_suffixes)
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": _PRECISIONS[options.get("arithmetic", "f32")],
        }
        try:
            with kept_signal_stack():  # each core's CPU plugin sets one of its own
                compiled = import_openvino().Core().compile_model(str(path), "CPU", settings)
        except RuntimeError as error:
            raise DeviceError(f"openvino cannot load {path}: {_reason(error)}; export the file again") from error
        return OpenVinoFile(compiled, path)


class OpenVinoFile:
    """An open IR file. The `Loaded` of this runtime."""

    def __init__(self, compiled: Any, path: Path) -> None:
        self._path = path
        self._compiled = compiled
        self._request = compiled.create_infer_request()
        self.inputs: tuple[TensorInfo, ...] = tuple(map(_tensor_info, compiled.inputs))
        self.outputs: tuple[TensorInfo, ...] = tuple(map(_tensor_info, compiled.outputs))
        require_one(self.inputs, path)

    def run(self, images: Array) -> Array:
        """The only output; see `edgesmith.runtimes.base.Loaded`."""
        require_one(self.outputs, self._path, what="output")
        return self.run_all(images)[0]

    def run_all(self, images: Array) -> tuple[Array, ...]:
        """Every output; see `edgesmith.runtimes.base.Loaded`."""
        if images.dtype.name != self.inputs[0].dtype:  # openvino would convert it and say nothing
            require_images(images, self.inputs[0], self._path)
        try:
            answers = self._request.infer({0: images}, share_inputs=True)
        except RuntimeError as error:
            require_images(images, self.inputs[0], self._path)
            raise DeviceError(f"{self._path} does not run: {_reason(error)}") from error
        return tuple(np.asarray(answer) for answer in answers.values())

    def float_operators(self) -> dict[str, int]:
        """How often each operator computes in float, once OpenVINO has compiled the file; reorders are none."""
        kinds: Counter[str] = Counter()
        for operation in self._compiled.get_runtime_model().get_ordered_ops():
            facts = operation.get_rt_info()
            kind = str(facts["layerType"].astype(str))
            if kind not in _NO_ARITHMETIC and str(facts["runtimePrecision"].astype(str)) == "f32":
                kinds[kind] += 1
        return dict(kinds)


def import_openvino() -> Any:
    """The openvino package, kept from reporting home.

    Its converter and NNCF send an event of each conversion to an analytics service unless the user has opted out; they
    do without where the package that sends cannot be imported.
    """
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)  # Python refuses to import what stands for None
    return require("openvino", extra=_EXTRA)


def _tensor_info(port: Any) -> TensorInfo:
    sizes = port.get_partial_shape()
    shape = tuple(int(size.get_length()) if size.is_static else None for size in sizes)
    word = port.get_element_type().get_type_name()
    return TensorInfo(
        name=next(iter(sorted(port.get_names())), "tensor"),
        shape=shape,
        dtype=_DTYPES.get(word, word),
        layout=picture_layout(shape),
    )


def _reason(error: Exception) -> str:
    """The last line of openvino's message: those before it name its own source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200].rstrip(". ")
