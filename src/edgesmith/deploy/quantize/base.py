"""What quantizers are asked and what they give: a plan, the pictures that set the ranges, one source for many plans."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.deploy.base import Converted

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


@dataclass(frozen=True, kw_only=True)
class QuantPlan:
    """What is quantized and how; everything that is not named here becomes int8.

    Attributes:
        float_parts: Parts that stay in float, such as ``blocks.3`` or ``blocks.3.gate`` or ``head``.
        float_kinds: Kinds of operators that stay in float wherever they occur.
        ranges: How ranges are found.
        reduce_range: Weights of seven bits, for x86 processors without VNNI, whose sums overflow with eight.
    """

    float_parts: tuple[str, ...] = ()
    float_kinds: tuple[Kind, ...] = ()
    ranges: Ranges = Ranges.MINMAX
    reduce_range: bool = False

    def describe(self) -> str:
        """In a few words: ``all int8`` or ``float: hard_swish, blocks.0``."""
        kept = [*self.float_kinds, *self.float_parts]
        return f"float: {', '.join(kept)}" if kept else "all int8"


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Pictures that set the ranges of activations.

    Attributes:
        images: ``(N, 3, H, W)`` float32, scaled as the network takes them.
    """

    images: NDArray[np.float32]

    def __post_init__(self) -> None:
        if len(self.images) < 1:
            raise UsageError("quantization needs pictures to find the ranges of activations; there are none")


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


class Quantizer(ABC):
    """Makes int8 files of one format.

    Attributes:
        format: The name in the table of formats.
        extra: The extra of edgesmith that installs what it needs.
        packages: The modules that it needs.
        kinds: The tool's own names of the kinds that a plan may leave in float.
    """

    format: ClassVar[str]
    extra: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    kinds: ClassVar[Mapping[Kind, str]]

    @abstractmethod
    def open(self, net: Net, spec: NetSpec, calibration: Calibration, folder: Path) -> Source:
        """Do what all plans share.

        Args:
            net: With its float weights, in evaluation mode.
            spec: What it was built from.
            calibration: Sets the ranges.
            folder: For files that the source needs; it must outlive it.
        """
