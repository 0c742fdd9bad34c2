"""What quantizers are asked and what they give: a plan, the pictures that set the ranges, one source for many plans."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.extras import require
from edgesmith.core.quiet import captured_output, hushed
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import Converted, ExportOptions
from edgesmith.deploy.parity import Parity

if TYPE_CHECKING:
    from edgesmith.nn.build import Net


class Ranges(StrEnum):
    """How the range of an activation is found from what it was on the calibration pictures.

    ``MINMAX`` takes the lowest and the highest value, ``PERCENTILE`` leaves out the rarest hundred-thousandth at each
    end, ``ERROR`` takes the range whose steps lose least (entropy or squared error, as the tool has it).
    """

    MINMAX = "minmax"
    PERCENTILE = "percentile"
    ERROR = "error"


class Kind(StrEnum):
    """Kinds of operators that a plan may leave in float wherever they occur."""

    HARD_SWISH = "hard_swish"
    HARD_SIGMOID = "hard_sigmoid"
    ADD = "add"
    MUL = "mul"
    MEAN = "mean"
    RESIZE = "resize"


@dataclass(frozen=True, kw_only=True)
class QuantPlan:
    """What is quantized and how; everything that is not named here becomes int8.

    Attributes:
        float_parts: Parts that stay in float, such as ``blocks.3`` or ``blocks.3.gate`` or ``head``; ``head.box*`` are
            all whose names begin so.
        float_kinds: Kinds of operators that stay in float wherever they occur.
        ranges: How ranges are found.
        reduce_range: Weights of seven bits, for x86 processors without VNNI, whose sums overflow with eight.
        integer_ends: Input and output in steps too, for chips and apps without float.
    """

    float_parts: tuple[str, ...] = ()
    float_kinds: tuple[Kind, ...] = ()
    ranges: Ranges = Ranges.MINMAX
    reduce_range: bool = False
    integer_ends: bool = False

    def describe(self) -> str:
        """In a few words: ``all int8`` or ``float: hard_swish, blocks.0``."""
        kept = [*self.float_kinds, *self.float_parts]
        return f"float: {', '.join(kept)}" if kept else "all int8"


@dataclass(frozen=True, kw_only=True)
class PartNoise:
    """How far the answer of a part in an int8 file lies from the float file's.

    Attributes:
        part: Such as ``blocks.3``.
        db: ``10 log10(sum b^2 / sum (a - b)^2)`` over the calibration pictures: 20 is an error of a tenth.
    """

    part: str
    db: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Pictures that set the ranges of activations.

    Attributes:
        images: ``(N, 3, H, W)`` float32, scaled as the network takes them.
        pictures: The same as ``(N, H, W, 3)`` uint8, for files that scale pictures themselves; None for others.
        preprocessing: What such files scale by; None for others.
    """

    images: NDArray[np.float32]
    pictures: NDArray[np.uint8] | None = None
    preprocessing: Preprocessing | None = None

    def __post_init__(self) -> None:
        if len(self.images) < 1:
            raise UsageError("quantization needs pictures to find the ranges of activations; there are none")
        if (self.pictures is None) != (self.preprocessing is None):
            raise UsageError("files that scale pictures themselves need both the pictures and how they are scaled")

    @classmethod
    def of(cls, pictures: NDArray[np.uint8], preprocessing: Preprocessing, *, inside: bool = False) -> Self:
        """Of cropped pictures ``(N, H, W, 3)``.

        Args:
            pictures: As `Preprocessing.crop` gives them.
            preprocessing: Scales them.
            inside: Whether the files are to do that themselves.
        """
        return cls(
            images=preprocessing.normalize(pictures),
            pictures=pictures if inside else None,
            preprocessing=preprocessing if inside else None,
        )

    @property
    def options(self) -> ExportOptions:
        """What the float file that is quantized must take."""
        return ExportOptions(preprocessing=self.preprocessing)

    @property
    def inputs(self) -> NDArray[Any]:
        """The pictures as that file's module takes them: ``(N, 3, H, W)`` float32 or ``(N, H, W, 3)`` uint8."""
        return self.images if self.pictures is None else self.pictures


class Source(ABC):
    """A network opened for quantization: what is slow was done once, and each plan is quick."""

    @abstractmethod
    def write(self, path: Path, plan: QuantPlan) -> Converted:
        """Write the file of a plan, and what must lie beside it.

        Args:
            path: In a folder of its own.
            plan: What stays in float.

        Raises:
            UsageError: The plan asks for what the tool cannot.
            ExportError: The tool failed.
        """

    def compare_parts(self, path: Path, parts: Sequence[str]) -> Sequence[PartNoise]:
        """How far each part's answer in a file lies from the float file's; nothing where the tool cannot tell.

        Args:
            path: A file that `write` wrote.
            parts: Parts in the network's order.
        """
        return ()

    def check_kernels(self, path: Path) -> Parity | None:
        """Whether the integer kernels of this machine compute what a file says; None where the tool cannot tell.

        Args:
            path: A file that `write` wrote.
        """
        return None


class Quantizer(ABC):
    """Makes int8 files of one format.

    Attributes:
        format: The name in the table of formats.
        extra: The extra of edgesmith that installs what it needs.
        packages: The modules that it needs.
        kinds: The tool's own names of the kinds that a plan may leave in float.
        has_reduced_range: Whether it can make weights of seven bits, because its runtime's kernels need them on some
            processors.
        has_integer_ends: Whether its files can take and give steps instead of plain numbers.
    """

    format: ClassVar[str]
    extra: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    kinds: ClassVar[Mapping[Kind, str]]
    has_reduced_range: ClassVar[bool] = False
    has_integer_ends: ClassVar[bool] = False

    def require_tools(self) -> None:
        """Load what it needs.

        Raises:
            MissingExtraError: Something is not installed; names the extra.
        """
        with captured_output(), hushed():
            for package in ("torch", *self.packages):
                require(package, extra="train" if package == "torch" else self.extra)

    def check_plan(self, plan: QuantPlan) -> None:
        """Refuse what no file of this format can be.

        Raises:
            UsageError: Says what, and what to do instead.
        """
        if plan.reduce_range and not self.has_reduced_range:
            raise UsageError(
                f"{self.format}'s quantizer has no weights of seven bits; its kernels do not overflow with eight"
            )
        if plan.integer_ends and not self.has_integer_ends:
            raise UsageError(
                f"int8 {self.format} files take float32 pictures or uint8 pixels here, not int8; choose --input uint8"
            )

    @abstractmethod
    def open(self, net: Net, spec: NetSpec, calibration: Calibration, folder: Path) -> Source:
        """Do what all plans share.

        Args:
            net: With its float weights, in evaluation mode.
            spec: What it was built from.
            calibration: Sets the ranges.
            folder: For files that the source needs; it must outlive it.
        """
