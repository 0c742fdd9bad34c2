"""ExecuTorch (``.pte``) files through its Python bindings, with the XNNPACK backend inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from edgesmith.core.errors import DeviceError
from edgesmith.core.extras import package_version, require
from edgesmith.core.quiet import captured_output, hushed
from edgesmith.runtimes.base import (
    Array,
    TensorInfo,
    picture_layout,
    refuse_options,
    require_file,
    require_images,
    require_one,
)

_EXTRA: Final = "executorch"
# Torch's numbers of element types, as the file has them.
_DTYPES: Final[Mapping[int, str]] = {
    0: "uint8", 1: "int8", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64", 11: "bool",
}  # fmt: skip


class ExecuTorchRuntime:
    """ExecuTorch's runtime; its pool of threads belongs to the process, and is set anew at each loading."""

    name: Final = "executorch"
    format: Final = "executorch"
    suffix: Final = ".pte"
    companion_suffixes: Final = ()
    delegate: Final = "XNNPACK"
    option_names: Final = ()

    def version(self) -> str:
        """The version of the executorch package."""
        return package_version("executorch", extra=_EXTRA)

    def check(self, options: Mapping[str, str]) -> None:
        """Refuse options; it has none."""
        refuse_options(options, self)

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, str] | None = None) -> ExecuTorchFile:
        """Open an ExecuTorch file; see `edgesmith.runtimes.base.Runtime`."""
        self.check(options or {})
        require_file(path)
        with captured_output() as said, hushed():
            require("torch", extra=_EXTRA)
            runtime = require("executorch.runtime", extra=_EXTRA).Runtime.get()
            require("executorch.extension.pybindings.portable_lib", extra=_EXTRA)._unsafe_reset_threadpool(threads)
            try:
                program = runtime.load_program(path)
                method = program.load_method("forward")
            except (RuntimeError, ValueError, TypeError) as error:
                raise DeviceError(
                    f"executorch cannot load {path}: {_reason(error, said())}; export it again"
                ) from error
        return ExecuTorchFile(program, method, path)


class ExecuTorchFile:
    """An open ExecuTorch file. The `Loaded` of this runtime."""

    def __init__(self, program: Any, method: Any, path: Path) -> None:
        self._program = program  # the method's memory belongs to it
        self._method = method
        self._path = path
        metadata = method.metadata
        self.inputs: tuple[TensorInfo, ...] = tuple(
            _tensor_info(metadata.input_tensor_meta(index), f"input_{index}") for index in range(metadata.num_inputs())
        )
        self.outputs: tuple[TensorInfo, ...] = tuple(
            _tensor_info(metadata.output_tensor_meta(index), f"output_{index}")
            for index in range(metadata.num_outputs())
        )
        require_one(self.inputs, path)
        self._from_numpy = require("torch", extra=_EXTRA).from_numpy

    def run(self, images: Array) -> Array:
        """The only output; see `edgesmith.runtimes.base.Loaded`."""
        require_one(self.outputs, self._path, what="output")
        return self.run_all(images)[0]

    def run_all(self, images: Array) -> tuple[Array, ...]:
        """Every output; see `edgesmith.runtimes.base.Loaded`."""
        if images.shape != self.inputs[0].shape or images.dtype.name != self.inputs[0].dtype:
            require_images(images, self.inputs[0], self._path)
        try:
            answers = self._method.execute([self._from_numpy(images)])
        except RuntimeError as error:
            raise DeviceError(f"{self._path} does not run: {_reason(error)}") from error
        return tuple(answer.numpy().copy() for answer in answers)


def _tensor_info(meta: Any, name: str) -> TensorInfo:
    shape = tuple(int(size) for size in meta.sizes())
    number = int(meta.dtype())
    dtype = _DTYPES.get(number, f"element type {number}")
    return TensorInfo(name=name, shape=shape, dtype=dtype, layout=picture_layout(shape))


def _reason(error: Exception, said: str = "") -> str:
    lines = [line for line in said.splitlines() if "cpuinfo" not in line.lower()]
    return " ".join(" ".join([str(error), *lines[-1:]]).split())[:200].rstrip(". ")
