"""What every runtime offers: one file in, arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """An input or output as the file declares it.

    Attributes:
        name: The name inside the file.
        shape: Sizes along each axis; None where the file leaves the size open.
        dtype: numpy's name of the element type, such as ``float32`` or ``uint8``.
        layout: ``NCHW`` or ``NHWC`` for pictures, ``other`` for the rest.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    layout: str

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


def picture_layout(shape: tuple[int | None, ...]) -> str:
    """``NCHW`` or ``NHWC`` by where the one or three colour planes are, else ``other``."""
    if len(shape) != 4:
        return "other"
    if shape[1] in (1, 3):
        return "NCHW"
    return "NHWC" if shape[3] in (1, 3) else "other"
