"""What every exporter takes and gives; a new format is its module and one line in `formats`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import ExportError, UsageError
from edgesmith.data.preprocessing import Preprocessing

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What may be asked of a file, whatever its format.

    Args:
        batch: Pictures in one run; None leaves the number open.
        preprocessing: If given, its scaling (not its resize and crop) goes into the file, which then takes uint8
            pictures ``(N, H, W, 3)`` with values 0..255.
        opset: Version of the ONNX operators; None is the exporter's choice. Other formats have none.
    """

    batch: int | None = None
    preprocessing: Preprocessing | None = None
    opset: int | None = None

    def __post_init__(self) -> None:
        if self.batch is not None and self.batch < 1:
            raise UsageError(f"batch must be at least 1, got {self.batch}; leave it out for an open batch size")


DYNAMIC: Final = ExportOptions()
SINGLE: Final = ExportOptions(batch=1)


@dataclass(frozen=True, kw_only=True)
class ExportedFile:
    """A model file on disk, already run once by its own runtime.

    Attributes:
        format: The exporter's name for it.
        path: Where it lies.
        bytes: Its size.
        sha256: Hex digest of its content.
        precision: Number format of weights and arithmetic, such as ``float32``.
        batch: Pictures in one run; None where the file takes any number.
        opset: Version of the ONNX operators; None for other formats.
        operators: How often each operator occurs, by name.
        preprocessing_inside: Whether it takes uint8 pictures ``(N, H, W, 3)`` and scales them itself.
    """

    format: str
    path: Path
    bytes: int
    sha256: str
    precision: str
    batch: int | None
    opset: int | None
    operators: Mapping[str, int]
    preprocessing_inside: bool


class Exporter(Protocol):
    """Turns a module into a file of one format."""

    @property
    def format(self) -> str:
        """The name in the table of formats."""

    @property
    def suffix(self) -> str:
        """End of its files' names, with the dot."""

    def export(self, module: nn.Module, spec: NetSpec, path: Path, *, options: ExportOptions = DYNAMIC) -> ExportedFile:
        """Write ``module`` to ``path``, run the file, and refuse it if it is wrong.

        Args:
            module: In evaluation mode; it is left as it is.
            spec: What the module was built from; gives input size and number of classes.
            path: Of the file; replaced only when the new one is whole and right.
            options: What is asked of the file.

        Raises:
            ExportError: The module is in training mode, cannot be expressed in this format, or the file is wrong.
            UsageError: An option has a value that this format does not know.
            RunError: The disk is full.
            MissingExtraError: A package that the exporter needs is not installed.
        """


def refuse_training_mode(module: nn.Module) -> None:
    """A norm or dropout in training mode would freeze a random state into the file.

    Raises:
        ExportError: Names the first part that is in training mode.
    """
    for name, part in module.named_modules():
        if part.training:
            where = name or type(module).__name__
            raise ExportError(f"{where} is in training mode; call .eval() on the module before the export")
