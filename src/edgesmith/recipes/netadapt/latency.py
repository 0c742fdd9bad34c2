"""What a narrowed network will take: from its pieces at their widths and at half of them, and from what was measured.

Every block of the seed, its head too, is timed as it is, with half the expansions, with half the bottlenecks, and with
half of each of the head's own widths. In between and below, its time is a power of what is inside it and of what it
reads and hands on. The sum is scaled to the last network that was measured end to end, so that errors do not add up
over the steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from edgesmith.arch.cost import count_parts, tap_shapes
from edgesmith.arch.edits.widths import Width, WidthKind, widths_of, with_width
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
        widths: Of the seed: what is inside (a block's expansion, each of a head's own widths), and last the channels
            that a block reads and hands on, or that a head's taps have, together.
        powers: ``ms`` goes with this power of each.
    """

    ms: float
    widths: tuple[int, ...]
    powers: tuple[float, ...]

    def at(self, widths: Sequence[int]) -> float:
        """Milliseconds at other widths."""
        ratios = (new / old for new, old in zip(widths, self.widths, strict=True))
        return float(self.ms * math.prod(ratio**power for ratio, power in zip(ratios, self.powers, strict=True)))


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
            law.at(widths) for law, widths in zip(self.pieces, _widths_of_pieces(spec), strict=True)
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
    """Time the pieces of a network and of narrower ones; what was timed for the device before is not timed again.

    The device's block table is used where it has one that passes its gate; its calibration is then part of the figures.
    """
    kinds = (_halved(spec, kind, multiple) for kind in (WidthKind.EXPANSION, WidthKind.BOTTLENECK))
    nets = (spec, *kinds, *(with_width(spec, each, _half(each, multiple)) for each in _heads_own(spec)))
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
        nets: The seed, the seed with narrower expansions, with narrower bottlenecks, and with each of
            the head's own widths narrower.
        origin: As of `LatencyLaw`.
    """
    *blocks, head = zip(zip(*ms, strict=True), zip(*map(_widths_of_pieces, nets), strict=True), strict=True)
    pieces = [_fit_piece(*each, narrower=(1, 2)) for each in blocks]
    taps = [widths[-1] for widths in head[1]]  # they are narrowed with expansions, or with bottlenecks
    pieces.append(_fit_piece(*head, narrower=(*range(3, len(nets)), 1 if taps[1] < taps[2] else 2)))
    return LatencyLaw(pieces=tuple(pieces), origin=origin)


def _fit_piece(ms: Sequence[float], widths: Sequence[tuple[int, ...]], *, narrower: Sequence[int]) -> PieceLaw:
    """The law of a piece.

    Args:
        ms: In each of the nets.
        widths: In each of the nets.
        narrower: For each width the number of the net where it is narrower.
    """
    whole = max(ms[0], _LEAST_MS)
    powers = (_power(ms[net] / whole, widths[net][place] / widths[0][place]) for place, net in enumerate(narrower))
    return PieceLaw(ms=whole, widths=widths[0], powers=tuple(powers))


def _power(time_ratio: float, width_ratio: float) -> float:
    """The power of a width that explains a ratio of times; a piece never takes longer for being narrower."""
    if width_ratio >= 1:
        return _TYPICAL_POWER
    return min(max(math.log(max(time_ratio, _LEAST_MS)) / math.log(width_ratio), 0.0), _MOST_POWER)


def _halved(spec: NetSpec, kind: WidthKind, multiple: int) -> NetSpec:
    """Every width of one kind at half, rounded to a multiple, where it has that much."""
    for place in range(len(widths_of(spec))):
        width = widths_of(spec)[place]
        narrower = with_width(spec, width, _half(width, multiple))
        if width.kind is kind and is_same_make(spec, narrower):
            spec = narrower
    return spec


def _half(width: Width, multiple: int) -> int:
    """Half of it, rounded down to a multiple; no less than one, and no more than it is."""
    unit = multiple * width.unit
    return min(width.channels, max(unit, width.channels // 2 // unit * unit))


def _heads_own(spec: NetSpec) -> list[Width]:
    return [width for width in widths_of(spec) if width.kind is WidthKind.HEAD]


def _widths_of_pieces(spec: NetSpec) -> list[tuple[int, ...]]:
    """For every block and the head, what its `PieceLaw` asks for; an expansion of 1 where there is none."""
    parts, _ = count_parts(spec)
    before, widths = spec.in_channels, []
    for block, part in zip(spec.blocks, parts, strict=True):
        widths.append((getattr(block, "expand_channels", 0) or 1, before + part.out[0]))
        before = part.out[0]
    taps = sum(channels for channels, *_ in tap_shapes(spec, parts))
    return [*widths, (*(width.channels for width in _heads_own(spec)), taps)]


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
