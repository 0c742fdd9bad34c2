"""What may be asked of int8 files: what they take, what they may lose, how wide their weights are."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup
from edgesmith.deploy.base import Input
from edgesmith.deploy.quantize.base import QuantPlan, Ranges
from edgesmith.deploy.quantize.table import get_quantizer
from edgesmith.devices.conditions import cpu_flags
from edgesmith.tasks.figures import figure_of

_SWITCH: Final[Mapping[str, bool | None]] = MappingProxyType({"auto": None, "on": True, "off": False})
_INPUTS: Final[Mapping[str, Input]] = MappingProxyType({each.value: each for each in Input})
_VNNI: Final = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Wishes as typed.

    Args:
        input: What the files take: ``float32`` (scaled pictures), ``uint8`` (pixels, which the files scale themselves)
            or ``int8`` (scaled pictures in the file's steps; answers in steps too).
        max_loss: Points of the task's figure (top-1, mIoU, mAP) beyond which a file is not kept; None keeps any.
        max_ms: Milliseconds beyond which a plan is not chosen; None knows no limit.
        reduce_range: Whether weights get seven bits: ``auto`` (where this machine's kernels need it), ``on``, ``off``.
    """

    input: str = Input.FLOAT32.value
    max_loss: float | None = None
    max_ms: float | None = None
    reduce_range: str = "auto"

    def __post_init__(self) -> None:
        lookup(_INPUTS, self.input, what="input")
        lookup(_SWITCH, self.reduce_range, what="value of --reduce-range")
        if self.max_loss is not None and not 0 <= self.max_loss <= 100:
            raise UsageError(f"--max-loss is in points of top-1, mIoU or mAP, 0 to 100, got {self.max_loss}")

    @property
    def pixels(self) -> bool:
        """Whether the files scale pictures themselves."""
        return _INPUTS[self.input] is Input.UINT8

    @property
    def mark(self) -> str:
        """What the names of files have that take something else than usual: ``-uint8``."""
        return "" if _INPUTS[self.input] is Input.FLOAT32 else f"-{self.input}"

    def plan(self, format_name: str, ranges: Ranges, flags: Set[str] | None = None) -> QuantPlan:
        """The plan that a search begins with.

        Args:
            format_name: Of the files.
            ranges: How ranges are found.
            flags: What the processor can, in place of this machine's.

        Raises:
            UsageError: No int8 file of this format can be so.
        """
        quantizer, reduce = get_quantizer(format_name), _SWITCH[self.reduce_range]
        if reduce is None:
            reduce = quantizer.has_reduced_range and sums_overflow(cpu_flags() if flags is None else flags)
        plan = QuantPlan(ranges=ranges, reduce_range=reduce, integer_ends=_INPUTS[self.input] is Input.INT8)
        quantizer.check_plan(plan)
        return plan

    def refuse(self, score: Mapping[str, Any]) -> str | None:
        """Why a file is not kept for its accuracy; None where it is good enough.

        Args:
            score: The task's figure, and ``loss``, ``loss_low`` and ``loss_high`` of it, 0..1.
        """
        figure = figure_of(score)
        assert figure is not None, "a file was scored"
        lost, low, high = (100 * score[key] for key in ("loss", "loss_low", "loss_high"))
        if self.max_loss is None or lost <= self.max_loss:
            return None
        return (
            f"it loses {lost:.1f} points of {figure.label} (95 % interval {low:.1f} to {high:.1f}), "
            f"more than --max-loss {self.max_loss:g}"
        )


def sums_overflow(flags: Set[str]) -> bool:
    """Whether kernels add two products of eight bits in sixteen, which they then exceed: x86 with AVX2 and no VNNI.

    Args:
        flags: What an x86 processor says that it can; empty for all others, whose kernels add in thirty-two.
    """
    return "avx2" in flags and not flags & _VNNI
