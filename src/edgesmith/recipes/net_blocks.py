"""Networks as reports and pages draw them: every block with its cost, and its milliseconds where a table knows them."""

from __future__ import annotations

from collections.abc import Iterable

from edgesmith.arch.cost import count
from edgesmith.arch.spec import NetSpec
from edgesmith.core.caches import cache_folder
from edgesmith.core.errors import EdgesmithError
from edgesmith.devices.blocks.files import maker_for
from edgesmith.devices.blocks.library import load_table, trials_of
from edgesmith.devices.blocks.table import BlockTable
from edgesmith.devices.table import get_device
from edgesmith.report.networks import BlockFacts, NetworkFacts


def tell_networks(nets: Iterable[tuple[str, NetSpec]], device: str) -> tuple[NetworkFacts, ...]:
    """Networks block by block, each name once.

    Args:
        nets: Names, as the report's other parts use them, with their networks.
        device: Whose block table gives milliseconds, if it passed its gate; nothing is timed here.
    """
    table, known = _table_of(device), dict[str, NetSpec]()
    for name, spec in nets:
        known.setdefault(name, spec)
    return tuple(NetworkFacts(name=name, blocks=_blocks(spec, table)) for name, spec in known.items())


def list_blocks(spec: NetSpec, device: str | None) -> tuple[BlockFacts, ...]:
    """The blocks of one network, then the operations of its head.

    Args:
        spec: The network.
        device: As of `tell_networks`; None gives no milliseconds.
    """
    return _blocks(spec, None if device is None else _table_of(device))


def _blocks(spec: NetSpec, table: BlockTable | None) -> tuple[BlockFacts, ...]:
    blocks_ms = () if table is None else _milliseconds(spec, table)
    return tuple(
        BlockFacts(
            index=row.index,
            kind=row.kind,
            detail=_detail(spec, row.index),
            in_shape=row.in_shape,
            out_shape=row.out_shape,
            madds=row.cost.madds,
            parameters=row.cost.parameters,
            ms=blocks_ms[row.index] if row.index < len(blocks_ms) else None,
        )
        for row in count(spec).rows
    )


def _milliseconds(spec: NetSpec, table: BlockTable) -> tuple[float, ...]:
    """Of each block; nothing where a piece was never timed, since the table would time it now."""
    try:
        return () if table.missing([spec]) else table.breakdown(spec)[:-1]  # the last is the head
    except EdgesmithError:
        return ()


def _table_of(name: str) -> BlockTable | None:
    """The table of a device; None where there is none that may be used."""
    try:
        device = get_device(name)
        trials = trials_of(device, cache_folder())
        if not trials or not trials[-1].gate.passed:
            return None
        return load_table(device, cache_folder(), maker_for(device.format))
    except (EdgesmithError, OSError):
        return None


def _detail(spec: NetSpec, index: int) -> str:
    """What a block is like, as far as its kind has it; nothing for the head's operations."""
    if index >= len(spec.blocks):
        return ""
    block = spec.blocks[index]
    kernel, stride = getattr(block, "kernel_size", None), getattr(block, "stride", 1)
    wide, gate = getattr(block, "expand_channels", None), getattr(block, "gate", None)
    parts = [
        f"{kernel}\N{MULTIPLICATION SIGN}{kernel}" if kernel else "",
        f"stride {stride}" if stride != 1 else "",
        f"expanded to {wide}" if wide else "",
        "gated" if gate is not None else "",
    ]
    return ", ".join(part for part in parts if part)
