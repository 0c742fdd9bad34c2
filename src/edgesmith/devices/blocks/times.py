"""What each block of a network takes on a device, timed by itself: where a network's milliseconds go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.progress import SILENT, Progress
from edgesmith.devices.base import Device
from edgesmith.devices.blocks import bench as benches
from edgesmith.devices.blocks.bench import Bench, Effort, Efforts
from edgesmith.devices.blocks.calibrate import UNCALIBRATED
from edgesmith.devices.blocks.files import maker_for
from edgesmith.devices.blocks.library import open_files, open_store
from edgesmith.devices.blocks.sandwich import pieces_of
from edgesmith.devices.blocks.store import Purpose
from edgesmith.devices.blocks.table import BlockTable

_PIECES: Final = benches.DEFAULT.pieces
# Enough to see which blocks are slow; a table that adds blocks up asks for twice as many sessions.
SHORT: Final = Efforts(pieces=Effort(plan=_PIECES.plan, enough=3, most=5, files=_PIECES.files, company=_PIECES.company))


@dataclass(frozen=True, kw_only=True)
class BlockTime:
    """One block, or the head.

    Attributes:
        name: The network.
        device: The device as typed.
        index: Place in the network; the head's is behind the last block's.
        kind: Its kind.
        ms: What it takes between two convolutions that stand for its neighbours. In a whole network weights push one
            another out of the caches, and blocks with many of them take longer.
        share: Of the sum of all blocks, 0..1.
        disturbed: Whether other work disturbed every session that it was timed in.
    """

    name: str
    device: str
    index: int
    kind: str
    ms: float
    share: float
    disturbed: bool


def measure_blocks(
    name: str,
    spec: NetSpec,
    device: Device,
    *,
    cache: Path,
    processes: int | None = None,
    efforts: Efforts = SHORT,
    progress: Progress = SILENT,
) -> tuple[BlockTime, ...]:
    """Time every block and the head of a network; what was timed for the device before is not timed again.

    Args:
        name: What the results call the network.
        spec: The network.
        device: Where.
        cache: Folder of the device's readings and of the blocks' files.
        processes: Exports side by side; None takes as many as there are cores.
        efforts: How often and how long.
        progress: Told of each stage.

    Raises:
        UsageError: Nothing writes float32 files of the device's format.
    """
    pieces = pieces_of(spec)
    nets = [net for piece in pieces for net in (piece.net, piece.base) if net is not None]
    maker = maker_for(device.format)
    store = open_store(device, cache)
    try:
        bench = Bench(device, open_files(maker, cache, processes=processes), store, efforts=efforts)
        levels = bench.time(Purpose.PIECES, nets, progress=progress)
    finally:
        store.close()
    blocks_ms = BlockTable({key: level.ms for key, level in levels.items()}, UNCALIBRATED).breakdown(spec)
    total = sum(blocks_ms)
    return tuple(
        BlockTime(
            name=name,
            device=device.name,
            index=index,
            kind=piece.kind,
            ms=ms,
            share=ms / total,
            disturbed=any(not levels[model_hash(net)].quiet for net in (piece.net, piece.base) if net is not None),
        )
        for index, (piece, ms) in enumerate(zip(pieces, blocks_ms, strict=True))
    )


def slowest(blocks: Sequence[BlockTime], count: int) -> list[BlockTime]:
    """The blocks that take longest, the longest first."""
    return sorted(blocks, key=lambda block: -block.ms)[:count]
