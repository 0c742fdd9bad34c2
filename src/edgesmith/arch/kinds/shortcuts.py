"""What blocks with a shortcut ask of their input."""

from __future__ import annotations

from edgesmith.arch.names import PoolKind, Skip
from edgesmith.arch.trace import Trace, shape_text
from edgesmith.arch.values import Value
from edgesmith.core.errors import SpecError


def shortcut(t: Trace, x: Value, skip: Skip, *, stride: int, out_channels: int) -> Value | None:
    """What a bottleneck adds to its output: its input, the mean of 3x3 pixels around each of them, or nothing.

    Raises:
        SpecError: Says what the skip needs.
    """
    if skip is Skip.NONE:
        return None
    if out_channels != x.channels or (skip is Skip.IDENTITY and stride != 1):
        needs = f"{x.channels} output channels to match its input {shape_text(x)}, got"
        if skip is Skip.IDENTITY:
            raise SpecError(f"an identity skip needs stride 1 and {needs} stride {stride} and {out_channels}")
        raise SpecError(f"a pooled skip needs {needs} {out_channels}")
    if skip is Skip.IDENTITY:
        return x
    return t.pool(x, name="skip_pool", kind=PoolKind.AVERAGE, kernel_size=3, stride=stride, pad=1)


def check_pooled_shortcut(x: Value, *, stride: int, out_channels: int) -> None:
    """Refuse widths that a block cannot have which adds its input, or at stride 2 puts it before its own channels.

    Raises:
        SpecError: Says what the shortcut needs.
    """
    if stride not in (1, 2):
        raise SpecError(f"stride must be 1 or 2, got {stride}")
    if stride == 1 and out_channels != x.channels:
        raise SpecError(f"at stride 1 out_channels must be its input's, {shape_text(x)}, got {out_channels}")
    if stride == 2 and out_channels <= x.channels:
        raise SpecError(f"at stride 2 out_channels must exceed its input's, {shape_text(x)}, got {out_channels}")
