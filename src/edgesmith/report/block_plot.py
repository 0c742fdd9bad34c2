"""A network drawn block by block: how large the maps are, how many channels, and what each block costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from edgesmith.report.axes import drawing, for_both, line, text
from edgesmith.report.bars import draw_bar
from edgesmith.report.markup import Html, element, join
from edgesmith.report.networks import BlockFacts, NetworkFacts
from edgesmith.report.tables import cell, head_cell, name_model, row_head, tabulate
from edgesmith.report.wording import format_count, format_ms

_GAP_PX = 2.0
_LEAST_PX = 3.0


def explain_blocks(blocks: Sequence[BlockFacts], device: str) -> str:
    """How to read the drawing, and where its milliseconds are from, or why there are none."""
    boxes = "A box for each block, from input to output: as high as its map is wide, as dark as its share of"
    if _are_timed(blocks):
        return f"{boxes} the milliseconds, which are those of the block table of {device}."
    return (
        f"{boxes} multiply-adds. There is no block table of {device} that knows these blocks and passed its gate, so "
        f"there are no milliseconds: edgesmith devices profile {device}."
    )


def show_blocks(blocks: Sequence[BlockFacts], *, identifier: str) -> Html:
    """A network as a drawing, and as a table that folds away; ``identifier`` must be unique on the page."""
    summary = element("summary", {}, f"All {len(blocks)} as a table")
    table = element("details", {}, summary, tabulate_blocks(blocks))
    return join([_draw_for_both(blocks, identifier), table])


def list_networks(networks: Sequence[NetworkFacts], numbers: Mapping[str, int]) -> Html:
    """Networks that fold away, each a drawing with its table.

    Args:
        networks: In the order shown.
        numbers: Of the candidates that have one in the report's other parts, by name.
    """
    return join(
        element(
            "details",
            {"class": "network"},
            element("summary", {}, join([_number(numbers.get(network.name)), name_model(network.name)])),
            _draw_for_both(network.blocks, f"network-{place}"),
            tabulate_blocks(network.blocks, name=network.name),
        )
        for place, network in enumerate(networks)
    )


def draw_blocks(blocks: Sequence[BlockFacts], *, identifier: str, width: float, height: float) -> Html:
    """Boxes from input to output: as high as their map is large, as dark as they cost."""
    top, bottom = 4.0, height - 26
    weights = _weights(blocks)
    tallest = max(max(block.in_shape[1:]) for block in blocks)
    step = width / len(blocks)
    boxes = []
    for place, (block, weight) in enumerate(zip(blocks, weights, strict=True)):
        side = max(block.out_shape[1:])
        tall = max(_LEAST_PX, (bottom - top) * math.sqrt(side / tallest))
        shape: dict[str, str | float | None] = {
            "class": "net-block",
            "x": place * step + _GAP_PX / 2,
            "y": bottom - tall,
            "width": max(1.0, step - _GAP_PX),
            "height": tall,
            "fill-opacity": 0.15 + 0.85 * weight,
        }
        boxes.append(element("rect", shape, element("title", {}, describe(block))))
    return drawing(
        f"{identifier}-{width:g}",
        line(0, bottom, width, bottom, kind="axis"),
        *boxes,
        text(0, bottom + 18, "input", kind="tick"),
        text(width, bottom + 18, "output", kind="tick", anchor="end"),
        title="The network, block by block",
        description="The table of blocks holds the same figures.",
        width=width,
        height=height,
    )


def tabulate_blocks(blocks: Sequence[BlockFacts], *, name: str = "") -> Html:
    """Shapes and costs of every block; ``name`` tells the table from others on the page."""
    timed = _are_timed(blocks)
    head = [
        head_cell("No.", "number"),
        head_cell("Block"),
        head_cell("Out"),
        *([head_cell("ms", "number")] if timed else []),
        head_cell("Multiply-adds", "number"),
        head_cell("", "gauge"),
        head_cell("Parameters", "number wide"),
    ]
    rows = [
        element(
            "tr",
            {},
            cell(str(block.index), "number"),
            row_head(join([block.kind.replace("_", " "), element("span", {"class": "interval"}, block.detail)])),
            cell(_shape(block.out_shape)),
            *([cell("" if block.ms is None else format_ms(block.ms), "number")] if timed else []),
            cell(format_count(block.madds), "number"),
            cell(draw_bar(weight, kind="score"), "gauge"),
            cell(format_count(block.parameters), "number wide"),
        )
        for block, weight in zip(blocks, _weights(blocks), strict=True)
    ]
    return tabulate(f"Blocks of {name or 'the network'} from input to output", head, rows, kind="classes blocks")


def describe(block: BlockFacts) -> str:
    """A block in a few lines, for a hover title."""
    lines = [
        f"{block.index}. {block.kind.replace('_', ' ')} {block.detail}".rstrip(),
        f"{_shape(block.in_shape)} to {_shape(block.out_shape)}",
        f"{format_count(block.madds)} multiply-adds, {format_count(block.parameters)} parameters",
    ]
    return "\n".join(lines + ([] if block.ms is None else [f"{format_ms(block.ms)} ms by the block table"]))


def _draw_for_both(blocks: Sequence[BlockFacts], identifier: str) -> Html:
    return for_both(partial(draw_blocks, blocks, identifier=identifier), desk=(840, 200), phone=(360, 170))


def _are_timed(blocks: Sequence[BlockFacts]) -> bool:
    return any(block.ms is not None for block in blocks)


def _weights(blocks: Sequence[BlockFacts]) -> list[float]:
    """What each block costs, as a share of the dearest: milliseconds where they are known, else multiply-adds."""
    timed = _are_timed(blocks)
    costs = [max(0.0, block.ms or 0.0) if timed else float(block.madds) for block in blocks]
    most = max(costs, default=0.0) or 1.0
    return [cost / most for cost in costs]


def _number(number: int | None) -> Html:
    return join([]) if number is None else join([element("span", {"class": "badge"}, str(number)), " "])


def _shape(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    return f"{height}\N{MULTIPLICATION SIGN}{width}\N{MULTIPLICATION SIGN}{channels}"
