"""Networks as a report draws them, block by block, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BlockFacts:
    """One block of a network, or one operation of its head.

    Args:
        detail: What it is like: kernel, stride, expansion; empty for the head's operations.
        in_shape: Channels, height and width.
        out_shape: Likewise.
        ms: What it takes by the device's block table; None where no table that passed its gate knows it.
    """

    index: int
    kind: str
    detail: str
    in_shape: tuple[int, int, int]
    out_shape: tuple[int, int, int]
    madds: int
    parameters: int
    ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """A network from its input to its output, under the name that the report's other parts call it."""

    name: str
    blocks: tuple[BlockFacts, ...]
