"""What is asked of an exporter, what it gives, and the protocol of one format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import ExportError, UsageError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.runtimes.base import TensorInfo

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What may be asked of a file, whatever its format.

    Args:
        batch: Pictures in one run; None leaves the number open where the format can, else it is 1.
        open_batch: The number of pictures must be open: a format that fixes it is refused.
        preprocessing: If given, its scaling (not its resize and crop) goes into the file, which then takes uint8
            pictures ``(N, H, W, 3)`` with values 0..255.
        opset: Version of the ONNX operators; None is the exporter's choice. Other formats have none.
    """

    batch: int | None = None
    open_batch: bool = False
    preprocessing: Preprocessing | None = None
    opset: int | None = None

    def __post_init__(self) -> None:
        if self.batch is not None and self.batch < 1:
            raise UsageError(f"batch must be at least 1, got {self.batch}; leave it out for an open batch size")
        if self.batch is not None and self.open_batch:
            raise UsageError(f"batch cannot be both open and {self.batch}; give one of the two")


class Input(StrEnum):
    """What a file takes.

    ``FLOAT32`` are scaled pictures. ``UINT8`` are pixels 0..255 with the colours last, which the file scales itself.
    ``INT8`` are scaled pictures in steps of the file's own; its answers are in steps too.
    """

    FLOAT32 = "float32"
    UINT8 = "uint8"
    INT8 = "int8"


FLOAT32: Final = "float32"
INT8: Final = "int8"

DYNAMIC: Final = ExportOptions()
SINGLE: Final = ExportOptions(batch=1)


@dataclass(frozen=True, kw_only=True)
class ExportedFile:
    """A model file on disk, already run once by its own runtime.

    Attributes:
        format: The exporter's name for it.
        path: Where it lies; for Core ML a folder.
        bytes: Its size, its companions included.
        sha256: Hex digest of its content.
        companions: Names of the files that must lie beside it, with their digests.
        precision: Number format of weights and arithmetic, such as ``float32``.
        batch: Pictures in one run; None where the file takes any number.
        layout: ``NCHW`` or ``NHWC``: where the input's colours are.
        opset: Version of the ONNX operators; None for other formats.
        operators: How often each operator occurs, by name.
        outside: Operators that the format's fast kernels (XNNPACK's) leave to slow ones, by name.
        in_float: Operators of an int8 file that compute in float, by name; empty where its runtime does not tell.
        preprocessing_inside: Whether it takes uint8 pictures ``(N, H, W, 3)`` and scales them itself.
        input: What it takes, as its runtime reads it from the file; None where that does not run here.
        output: What it gives, likewise.
        suppressed: Whether a detector's file answers with the boxes that are left after suppression.
        resize_left: How a segmenter's answers must still be enlarged to the input's size: corners ``aligned``, or
            ``half`` a pixel in; empty where the file does that.
        notes: What the exporter wants said, a line each.
    """

    format: str
    path: Path
    bytes: int
    sha256: str
    companions: Mapping[str, str] = field(default_factory=dict)
    precision: str
    batch: int | None
    layout: str
    opset: int | None = None
    operators: Mapping[str, int]
    outside: Mapping[str, int] = field(default_factory=dict)
    in_float: Mapping[str, int] = field(default_factory=dict)
    preprocessing_inside: bool
    input: TensorInfo | None = None
    output: TensorInfo | None = None
    suppressed: bool = False
    resize_left: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What a converter tells of the file that it wrote.

    Attributes:
        operators: How often each operator occurs, by name.
        outside: Operators outside the fast kernels, by name.
        in_float: Operators of an int8 file that compute in float, by name.
        layout: ``NCHW`` or ``NHWC``.
        precision: Number format of weights and arithmetic.
        opset: Version of the ONNX operators.
        notes: What should be said, a line each.
    """

    operators: Mapping[str, int]
    outside: Mapping[str, int] = field(default_factory=dict)
    in_float: Mapping[str, int] = field(default_factory=dict)
    layout: str = "NCHW"
    precision: str = "float32"
    opset: int | None = None
    notes: tuple[str, ...] = ()


def file_kind(format_name: str, precision: str) -> str:
    """What devices and bundles call files of a format and a precision: ``litert``, or ``litert:int8``."""
    return f"{format_name}:{INT8}" if precision == INT8 else format_name


def split_kind(kind: str) -> tuple[str, bool]:
    """The format of a kind of files, and whether they are int8 files."""
    format_name, _, precision = kind.partition(":")
    return format_name, precision == INT8


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


def refuse_integers(module: nn.Module) -> None:
    """Torch's own int8 modules have no form in any file format; the way there begins with the float network.

    Raises:
        ExportError: Names the first part that is such a module.
    """
    for name, part in module.named_modules():
        if type(part).__module__.startswith(("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized")):
            raise ExportError(
                f"{name or type(module).__name__} is one of torch's int8 modules, which no file format has; "
                f"export the float network, then run edgesmith quantize on its bundle"
            )


def refuse_training_mode(module: nn.Module) -> None:
    """A norm or dropout in training mode would freeze a random state into the file.

    Raises:
        ExportError: Names the first part that is in training mode.
    """
    for name, part in module.named_modules():
        if part.training:
            where = name or type(module).__name__
            raise ExportError(f"{where} is in training mode; call .eval() on the module before the export")
