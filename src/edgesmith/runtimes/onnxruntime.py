"""ONNX files through ONNX Runtime's CPU provider."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.core.table import lookup, unknown
from edgesmith.runtimes.base import Array, TensorInfo, picture_layout

_DTYPES: Final[Mapping[str, str]] = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
_SWITCH: Final[Mapping[str, str]] = {"on": "1", "off": "0"}
_ERRORS_ONLY: Final = 3


class OnnxRuntime:
    """ONNX Runtime with every thread count explicit and all graph optimisations on.

    Option ``spinning`` (``on`` or ``off``): whether idle threads burn their core while they wait. It is ``off`` by
    default, because on a shared machine a spinning thread takes the core from the one that it waits for.
    """

    name: Final = "onnxruntime"
    format: Final = "onnx"
    suffix: Final = ".onnx"
    companion_suffixes: Final = ()
    delegate: Final = "CPUExecutionProvider"
    option_names: Final = ("spinning",)

    def version(self) -> str:
        """The version of the onnxruntime package."""
        return str(ort.__version__)

    def check(self, options: Mapping[str, str]) -> None:
        """Refuse unknown options and values; see `edgesmith.runtimes.base.Runtime`."""
        _session_options(1, options)

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, str] | None = None) -> OnnxFile:
        """Open an ONNX file; see `edgesmith.runtimes.base.Runtime`."""
        settings = _session_options(threads, options or {})
        if not path.is_file():
            raise DeviceError(f"no such model file: {path}")
        try:
            session = ort.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # each of onnxruntime's errors derives from Exception and from nothing else
            raise DeviceError(f"onnxruntime cannot load {path}: {_reason(error)}; export the file again") from error
        return OnnxFile(session, path)


class OnnxFile:
    """An open ONNX file. The `Loaded` of this runtime."""

    def __init__(self, session: Any, path: Path) -> None:
        self._session = session
        self._path = path
        self.inputs: tuple[TensorInfo, ...] = tuple(_tensor_info(node) for node in session.get_inputs())
        self.outputs: tuple[TensorInfo, ...] = tuple(_tensor_info(node) for node in session.get_outputs())
        if len(self.inputs) != 1:
            raise DeviceError(
                f"{path} takes {len(self.inputs)} inputs; edgesmith runs files with one input, the pictures"
            )
        self._input_name = self.inputs[0].name

    def run(self, images: Array) -> Array:
        """The only output; see `edgesmith.runtimes.base.Loaded`."""
        if len(self.outputs) != 1:
            names = ", ".join(output.name for output in self.outputs)
            raise DeviceError(f"{self._path} has {len(self.outputs)} outputs ({names}) where one is expected")
        return self.run_all(images)[0]

    def run_all(self, images: Array) -> tuple[Array, ...]:
        """Every output; see `edgesmith.runtimes.base.Loaded`."""
        try:
            return tuple(self._session.run(None, {self._input_name: images}))
        except Exception as error:  # see `OnnxRuntime.load`
            given = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
            wanted = f"{self.inputs[0].dtype} {self.inputs[0].shape}"
            raise DeviceError(f"{self._path} takes {wanted}, got {given}: {_reason(error)}") from error


def _session_options(threads: int, options: Mapping[str, str]) -> Any:
    if threads < 1:
        raise UsageError(f"threads must be at least 1, got {threads}")
    for name in options:
        if name not in OnnxRuntime.option_names:
            raise unknown(name, OnnxRuntime.option_names, what="onnxruntime option")
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    settings.log_severity_level = _ERRORS_ONLY
    spinning = lookup(_SWITCH, options.get("spinning", "off"), what="value of spinning")
    settings.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    return settings


def _tensor_info(node: Any) -> TensorInfo:
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    dtype = _DTYPES.get(node.type, str(node.type))
    return TensorInfo(name=node.name, shape=shape, dtype=dtype, layout=picture_layout(shape))


def _reason(error: Exception) -> str:
    """The end of onnxruntime's message, which says what happened, on one line."""
    text = " ".join(str(error).split())
    text = text.rpartition("failed:")[2] or text
    return text.removeprefix("[ONNXRuntimeError] : ").rstrip(". ")[:200]
