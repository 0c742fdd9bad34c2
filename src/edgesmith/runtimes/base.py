"""What every runtime offers: one file in, arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import DeviceError
from edgesmith.core.table import unknown

Array = NDArray[np.generic]


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """An input or output as the file declares it.

    Attributes:
        name: The name inside the file.
        shape: Sizes along each axis; None where the file leaves the size open.
        dtype: numpy's name of the element type, such as ``float32`` or ``uint8``.
        layout: ``NCHW`` or ``NHWC`` for pictures, ``other`` for the rest.
        scale: Step of a quantized tensor: ``value = (stored - zero_point) * scale``; None for plain numbers.
        zero_point: What stands for zero in a quantized tensor.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    layout: str
    scale: float | None = None
    zero_point: int = 0

    def sized(self, *, batch: int = 1, side: int = 224) -> tuple[int, ...]:
        """The shape with its open sizes filled in: ``batch`` for the first axis, ``side`` pixels for the others."""
        filled = [side if size is None else size for size in self.shape]
        return (batch if self.shape[0] is None else filled[0], *filled[1:]) if filled else ()


class Loaded(Protocol):
    """A file made ready to run."""

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Declared inputs, in the file's order."""

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Declared outputs, in the file's order."""

    def run(self, images: Array) -> Array:
        """The only output for one batch.

        Args:
            images: In the declared shape and type of the first input.

        Raises:
            DeviceError: The file has several outputs (use `run_all`) or does not take these images.
        """

    def run_all(self, images: Array) -> tuple[Array, ...]:
        """Every output for one batch, in the file's order."""


class Runtime(Protocol):
    """A library that runs model files of one format."""

    @property
    def name(self) -> str:
        """The name in the table of runtimes."""

    @property
    def format(self) -> str:
        """The format of its files, as ``--format`` calls it."""

    @property
    def suffix(self) -> str:
        """End of its files' names, with the dot."""

    @property
    def companion_suffixes(self) -> tuple[str, ...]:
        """Ends of the files that must lie beside each model file; see `model_files`."""

    @property
    def delegate(self) -> str:
        """What computes inside the library, by the library's own name for it."""

    @property
    def option_names(self) -> tuple[str, ...]:
        """The options that `load` knows."""

    def version(self) -> str:
        """The library's version."""

    def check(self, options: Mapping[str, str]) -> None:
        """Refuse options before there is a file to load.

        Raises:
            UsageError: An option is unknown or has an unknown value; names the closest.
        """

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, str] | None = None) -> Loaded:
        """Make a file ready to run.

        Args:
            path: The model file.
            threads: Threads that share one run, at least 1.
            options: Settings by name, as typed; see `option_names`.

        Raises:
            DeviceError: The file is missing, damaged, or asks for what this runtime lacks.
            UsageError: An option is unknown or has an unknown value.
        """


def require_file(path: Path) -> None:
    """Refuse to load what is not there.

    Raises:
        DeviceError: There is no such file.
    """
    if not path.is_file():
        raise DeviceError(f"no such model file: {path}")


def require_companions(path: Path, companion_suffixes: Sequence[str]) -> None:
    """Refuse to load half of a model.

    Raises:
        DeviceError: The model file, or one that must lie beside it, is not there.
    """
    require_file(path)
    for companion in model_files(path, companion_suffixes)[1:]:
        if not companion.is_file():
            raise DeviceError(f"{path} needs {companion.name} beside it; copy both files")


def require_one(tensors: Sequence[TensorInfo], path: Path, *, what: str = "input") -> None:
    """Refuse a file with several inputs or outputs where one is expected.

    Raises:
        DeviceError: There is not exactly one; names them.
    """
    if len(tensors) != 1:
        names = ", ".join(tensor.name for tensor in tensors) or "none"
        raise DeviceError(f"{path} has {len(tensors)} {what}s ({names}) where one is expected")


def require_images(images: Array, info: TensorInfo, path: Path) -> None:
    """Refuse pictures that a file does not take.

    Raises:
        DeviceError: Another type or shape is wanted; names both.
    """
    shape = tuple(images.shape)
    fits = len(shape) == len(info.shape) and all(
        want in (None, have) for have, want in zip(shape, info.shape, strict=True)
    )
    if not fits or images.dtype.name != info.dtype:
        fixed = "; the file is fixed to this batch size" if fits_but_batch(shape, info.shape) else ""
        raise DeviceError(f"{path} takes {info.dtype} {info.shape}, got {images.dtype} {shape}{fixed}")


def fits_but_batch(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether two shapes differ in their first size alone."""
    return len(shape) == len(wanted) > 0 and shape[0] != wanted[0] is not None and shape[1:] == wanted[1:]


def refuse_options(options: Mapping[str, str], runtime: Runtime) -> None:
    """Refuse options that a runtime does not know.

    Raises:
        UsageError: Names the option and the closest.
    """
    for name in options:
        if name not in runtime.option_names:
            raise unknown(name, runtime.option_names, what=f"{runtime.name} option")


def model_files(path: Path, companion_suffixes: Sequence[str]) -> tuple[Path, ...]:
    """All files of a model: ``model.xml`` and ``model.bin`` for the companion suffix ``.bin``."""
    return (path, *(path.with_suffix(suffix) for suffix in companion_suffixes))


def to_input(images: NDArray[np.float32], info: TensorInfo) -> Array:
    """Normalized pictures in the layout and number format that a file asks for.

    Args:
        images: ``(N, 3, H, W)``.
        info: The file's input.
    """
    arranged = images.transpose(0, 2, 3, 1) if info.layout == "NHWC" else images
    if info.scale is not None:
        limits = np.iinfo(info.dtype)
        arranged = np.clip(np.round(arranged / info.scale) + info.zero_point, limits.min, limits.max)
    return np.ascontiguousarray(arranged, dtype=info.dtype)


def from_output(answers: Array, info: TensorInfo) -> NDArray[np.float32]:
    """A file's answers as plain numbers."""
    values = np.asarray(answers, dtype=np.float32)
    return values if info.scale is None else (values - np.float32(info.zero_point)) * np.float32(info.scale)


def picture_layout(shape: tuple[int | None, ...]) -> str:
    """``NCHW`` or ``NHWC`` by where the one or three colour planes are, else ``other``."""
    if len(shape) != 4:
        return "other"
    if shape[1] in (1, 3):
        return "NCHW"
    return "NHWC" if shape[3] in (1, 3) else "other"
