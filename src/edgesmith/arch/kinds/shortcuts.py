"""What blocks with a shortcut ask of their input."""

from __future__ import annotations

from edgesmith.arch.names import Skip
from edgesmith.arch.trace import shape_text
from edgesmith.arch.values import Value
from edgesmith.core.errors import SpecError


def check_identity_skip(skip: Skip, x: Value, *, stride: int, out_channels: int) -> None:
    """Refuse a skip that a bottleneck cannot have: a pooled one, or an identity between unequal shapes.

    Raises:
        SpecError: Says what the skip needs.
    """
    if skip is Skip.POOL:
        raise SpecError("skip 'pool' is not of this kind; choices: none, identity")
    if skip is Skip.IDENTITY and (stride != 1 or out_channels != x.channels):
        raise SpecError(
            f"an identity skip needs stride 1 and {x.channels} output channels to match its input "
            f"{shape_text(x)}, got stride {stride} and {out_channels}"
        )


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
