"""What a narrowed network will take: from its pieces at their widths and at half of them, and from what was measured.

Every block of the seed, its head too, is timed as it is, with half the expansions, and with half the bottlenecks. In
between and below, its time is a power of either width. The sum is scaled to the last network that was measured end to
end, so that errors do not add up over the steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from edgesmith.arch.cost import count_parts
from edgesmith.arch.edits.widths import WidthKind, widths_of, with_width
from edgesmith.arch.spec import NetSpec
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import DeviceError
from edgesmith.core.progress import Progress
from edgesmith.devices.base import Device
from edgesmith.devices.blocks.bench import Bench
from edgesmith.devices.blocks.calibrate import UNCALIBRATED
from edgesmith.devices.blocks.files import Maker, SpecMaker
from edgesmith.devices.blocks.library import load_table, open_files, open_store
from edgesmith.devices.blocks.sandwich import pieces_of
from edgesmith.devices.blocks.store import Purpose
from edgesmith.devices.blocks.table import BlockTable
from edgesmith.devices.blocks.times import SHORT
from edgesmith.search.netadapt import is_same_make

_LEAST_MS: Final = 1e-4
_MOST_POWER: Final = 1.5
_TYPICAL_POWER: Final = 0.7  # where a width is too small to be halved


@dataclass(frozen=True, kw_only=True)
class PieceLaw:
    """The time of one block, or of the head, over its widths.

    Attributes:
        ms: At the seed's widths.
        inner: Expansion of the seed.
        outer: Channels of the seed that the block reads and hands on, together.
        inner_power: ``ms`` goes with this power of the expansion.
        outer_power: ``ms`` goes with this power of what is read and handed on.
    """

    ms: float
    inner: int
    outer: int
    inner_power: float
    outer_power: float

    def at(self, inner: int, outer: int) -> float:
        """Milliseconds at other widths."""
        return float(self.ms * (inner / self.inner) ** self.inner_power * (outer / self.outer) ** self.outer_power)


@dataclass(frozen=True, kw_only=True)
class LatencyLaw:
    """The time of a network that was narrowed from a seed.

    Attributes:
        pieces: One law a block, and the head's.
        origin: Where the figures are from, in a line for people.
        factor: What the sum of the pieces is multiplied with: see `anchored`.
    """

    pieces: tuple[PieceLaw, ...]
    origin: str
    factor: float = 1.0

    def predict(self, spec: NetSpec) -> float:
        """Milliseconds of a network with the seed's blocks, whatever their widths."""
        return self.factor * sum(
            law.at(*widths) for law, widths in zip(self.pieces, _widths_of_pieces(spec), strict=True)
        )

    def anchored(self, spec: NetSpec, ms: float) -> Self:
        """The law scaled so that ``spec`` takes ``ms``."""
        return type(self)(pieces=self.pieces, origin=self.origin, factor=self.factor * ms / self.predict(spec))

    def to_json(self) -> dict[str, Any]:
        """What the run folder keeps."""
        return to_dict(self) | {"pieces": [to_dict(piece) for piece in self.pieces]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return from_dict(cls, data)


def learn_law(
    spec: NetSpec, device: Device, *, cache: Path, maker: Maker, multiple: int, progress: Progress
) -> LatencyLaw:
    """Time the pieces of a network and of two narrower ones; what was timed for the device before is not timed again.

    The device's block table is used where it has one that passes its gate; its calibration is then part of the figures.
    """
    nets = (spec, _halved(spec, WidthKind.EXPANSION, multiple), _halved(spec, WidthKind.BOTTLENECK, multiple))
    try:
        table = load_table(device, cache, maker)
        origin = f"the block table of {device.name}"
    except DeviceError as error:
        reason = str(error).partition(";")[0].partition(". ")[0]
        origin = f"this network's own blocks, timed one by one ({reason})"
        table = _own_table(nets, device, cache=cache, maker=maker, progress=progress)
    table.learn(nets)
    return fit_law([table.breakdown(net) for net in nets], nets, origin=f"{origin}, scaled to each measured network")


def fit_law(ms: Sequence[Sequence[float]], nets: Sequence[NetSpec], *, origin: str) -> LatencyLaw:
    """Powers through three points of every piece.

    Args:
        ms: For each of ``nets``, the milliseconds of its blocks and head.
        nets: The seed, the seed with narrower expansions, and with narrower bottlenecks.
        origin: As of `LatencyLaw`.
    """
    seed, narrow, slim = (_widths_of_pieces(net) for net in nets)
    pieces = [
        PieceLaw(
            ms=max(whole, _LEAST_MS),
            inner=inner,
            outer=outer,
            inner_power=_power(narrowed / max(whole, _LEAST_MS), less_inner / inner),
            outer_power=_power(slimmed / max(whole, _LEAST_MS), less_outer / outer),
        )
        for whole, narrowed, slimmed, (inner, outer), (less_inner, _), (_, less_outer) in zip(
            *ms, seed, narrow, slim, strict=True
        )
    ]
    return LatencyLaw(pieces=tuple(pieces), origin=origin)


def _power(time_ratio: float, width_ratio: float) -> float:
    """The power of a width that explains a ratio of times; a piece never takes longer for being narrower."""
    if width_ratio >= 1:
        return _TYPICAL_POWER
    return min(max(math.log(max(time_ratio, _LEAST_MS)) / math.log(width_ratio), 0.0), _MOST_POWER)


def _halved(spec: NetSpec, kind: WidthKind, multiple: int) -> NetSpec:
    """Every width of one kind at half, rounded to a multiple, where it has that much."""
    for place in range(len(widths_of(spec))):
        width = widths_of(spec)[place]
        half = max(multiple, width.channels // 2 // multiple * multiple)
        narrower = with_width(spec, width, min(half, width.channels))
        if width.kind is kind and is_same_make(spec, narrower):
            spec = narrower
    return spec


def _widths_of_pieces(spec: NetSpec) -> list[tuple[int, int]]:
    """For every block and the head: its expansion (1 without), and the channels that it reads and hands on."""
    parts, _ = count_parts(spec)
    before, widths = spec.in_channels, []
    for block, part in zip(spec.blocks, parts, strict=True):
        widths.append((getattr(block, "expand_channels", 0) or 1, before + part.out[0]))
        before = part.out[0]
    return [*widths, (1, before)]


def _own_table(nets: Sequence[NetSpec], device: Device, *, cache: Path, maker: Maker, progress: Progress) -> BlockTable:
    store = open_store(device, cache)
    try:
        processes = 1 if isinstance(maker, SpecMaker) else None  # nothing to export
        bench = Bench(device, open_files(maker, cache, processes=processes), store, efforts=SHORT)
        pieces = [piece for net in nets for piece in pieces_of(net)]
        small = [net for piece in pieces for net in (piece.net, piece.base) if net is not None]
        levels = bench.time(Purpose.PIECES, small, progress=progress)
    finally:
        store.close()
    return BlockTable({key: level.ms for key, level in levels.items()}, UNCALIBRATED)
