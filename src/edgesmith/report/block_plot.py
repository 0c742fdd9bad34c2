"""A network drawn block by block: how large the maps are, how many channels, and what each block costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgesmith.arch.cost import Row, count
from edgesmith.arch.spec import NetSpec
from edgesmith.core.caches import cache_folder
from edgesmith.core.errors import EdgesmithError
from edgesmith.devices.blocks.library import trials_of
from edgesmith.devices.table import get_device
from edgesmith.recipes.inspect import inspect_model
from edgesmith.recipes.models import Model
from edgesmith.report.axes import drawing, line, text
from edgesmith.report.bars import draw_bar
from edgesmith.report.markup import Html, element, join
from edgesmith.report.tables import cell, head_cell, row_head, tabulate
from edgesmith.report.wording import format_count, format_ms

_GAP_PX = 2.0
_LEAST_PX = 3.0


@dataclass(frozen=True, kw_only=True)
class BlockRow:
    """One block with its cost, and its milliseconds where a device's block table knows them."""

    row: Row
    detail: str
    ms: float | None


def list_blocks(spec: NetSpec, device: str | None) -> list[BlockRow]:
    """The blocks of a network, then the operations of its head.

    Args:
        spec: The network.
        device: Whose block table gives milliseconds, if it passed its gate; nothing is timed here.
    """
    ms = _milliseconds(spec, device) if device else {}
    return [BlockRow(row=row, detail=_detail(spec, row.index), ms=ms.get(row.index)) for row in count(spec).rows]


def draw_blocks(blocks: Sequence[BlockRow], *, identifier: str, width: float, height: float) -> Html:
    """Boxes from input to output: as high as their map is large, as dark as they cost multiply-adds."""
    top, bottom = 4.0, height - 26
    most = max(block.row.cost.madds for block in blocks) or 1
    tallest = max(max(block.row.in_shape[1:]) for block in blocks)
    step = width / len(blocks)
    boxes = []
    for place, block in enumerate(blocks):
        side = max(block.row.out_shape[1:])
        tall = max(_LEAST_PX, (bottom - top) * math.sqrt(side / tallest))
        shape: dict[str, str | float | None] = {
            "class": "net-block",
            "x": place * step + _GAP_PX / 2,
            "y": bottom - tall,
            "width": max(1.0, step - _GAP_PX),
            "height": tall,
            "fill-opacity": 0.15 + 0.85 * block.row.cost.madds / most,
        }
        boxes.append(element("rect", shape, element("title", {}, describe(block))))
    return drawing(
        identifier,
        line(0, bottom, width, bottom, kind="axis"),
        *boxes,
        text(0, bottom + 18, "input", kind="tick"),
        text(width, bottom + 18, "output", kind="tick", anchor="end"),
        title="The network, block by block",
        description="The table of blocks holds the same figures.",
        width=width,
        height=height,
    )


def tabulate_blocks(blocks: Sequence[BlockRow]) -> Html:
    """Shapes and costs of every block."""
    most = max(block.row.cost.madds for block in blocks) or 1
    timed = any(block.ms is not None for block in blocks)
    head = [
        head_cell("No.", "number"),
        head_cell("Block"),
        head_cell("Out"),
        head_cell("Multiply-adds", "number"),
        head_cell("", "gauge"),
        head_cell("Parameters", "number wide"),
        *([head_cell("ms", "number")] if timed else []),
    ]
    rows = [
        element(
            "tr",
            {},
            cell(str(block.row.index), "number"),
            row_head(join([block.row.kind.replace("_", " "), element("span", {"class": "interval"}, block.detail)])),
            cell(_shape(block.row.out_shape)),
            cell(format_count(block.row.cost.madds), "number"),
            cell(draw_bar(block.row.cost.madds / most, kind="score"), "gauge"),
            cell(format_count(block.row.cost.parameters), "number wide"),
            *([cell("" if block.ms is None else format_ms(block.ms), "number")] if timed else []),
        )
        for block in blocks
    ]
    return tabulate("Blocks from input to output", head, rows, kind="classes blocks")


def describe(block: BlockRow) -> str:
    """A block in a few lines, for a hover title."""
    row = block.row
    lines = [
        f"{row.index}. {row.kind.replace('_', ' ')} {block.detail}".rstrip(),
        f"{_shape(row.in_shape)} to {_shape(row.out_shape)}",
        f"{format_count(row.cost.madds)} multiply-adds, {format_count(row.cost.parameters)} parameters",
    ]
    return "\n".join(lines + ([] if block.ms is None else [f"{format_ms(block.ms)} ms by the block table"]))


def _shape(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    return f"{height}\N{MULTIPLICATION SIGN}{width}\N{MULTIPLICATION SIGN}{channels}"


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


def _milliseconds(spec: NetSpec, name: str) -> dict[int, float]:
    try:
        device = get_device(name)
        trials = trials_of(device, cache_folder())
        if not trials or not trials[-1].gate.passed:
            return {}
        rows = inspect_model(Model(name=spec.name, spec=spec), device=name)["blocks"]
    except (EdgesmithError, OSError):
        return {}
    return {row["index"]: float(row["ms"]) for row in rows if row.get("ms") is not None}
