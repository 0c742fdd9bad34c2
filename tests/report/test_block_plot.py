from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.report.block_plot import describe, draw_blocks, explain_blocks, tabulate_blocks
from edgesmith.report.networks import BlockFacts, NetworkFacts
from edgesmith.report.page import render, write
from edgesmith.report.saved import load
from tests.report.pages import Node, read_page
from tests.report.samples import candidates, sample_report

BLOCKS = (
    BlockFacts(index=0, kind="conv", detail="3x3", in_shape=(3, 64, 64), out_shape=(16, 32, 32), madds=4, parameters=1),
    BlockFacts(
        index=1, kind="inverted_residual", detail="5x5", in_shape=(16, 32, 32), out_shape=(24, 8, 8), madds=8,
        parameters=2,
    ),
    BlockFacts(index=2, kind="linear", detail="", in_shape=(24, 1, 1), out_shape=(5, 1, 1), madds=2, parameters=3),
)  # fmt: skip
TIMED = (replace(BLOCKS[0], ms=0.6), replace(BLOCKS[1], ms=0.3), BLOCKS[2])


def boxes(blocks: tuple[BlockFacts, ...]) -> list[dict[str, str]]:
    svg = read_page(draw_blocks(blocks, identifier="b", width=840, height=200)).find("svg")[0]
    return [node.attributes for node in svg.find("rect", kind="net-block")]


@pytest.mark.parametrize(("blocks", "shares"), [(BLOCKS, (0.5, 1.0, 0.25)), (TIMED, (1.0, 0.5, 0.0))])
def test_boxes_are_as_dark_as_they_cost(blocks: tuple[BlockFacts, ...], shares: tuple[float, ...]) -> None:
    """By milliseconds where they are known, else by multiply-adds."""
    assert [float(box["fill-opacity"]) for box in boxes(blocks)] == pytest.approx(
        [0.15 + 0.85 * share for share in shares], abs=0.01
    )


def test_boxes_are_as_high_as_the_maps_are_wide() -> None:
    heights = [float(box["height"]) for box in boxes(BLOCKS)]
    assert heights[0] == pytest.approx(2 * heights[1], rel=0.01)  # areas of squares: 32 against 8 pixels


def table_of(blocks: tuple[BlockFacts, ...]) -> list[list[str]]:
    table = read_page(tabulate_blocks(blocks)).find("table")[0]
    return [[node.text for node in row.walk() if node.name in ("td", "th")] for row in table.find("tr")]


def test_milliseconds_have_a_column_where_a_table_knows_them() -> None:
    assert table_of(BLOCKS)[0] == ["No.", "Block", "Out", "Multiply-adds", "", "Parameters"]
    head, first, *_, last = table_of(TIMED)
    assert head[3] == "ms"
    assert first[1:4] == ["conv3x3", "32\N{MULTIPLICATION SIGN}32\N{MULTIPLICATION SIGN}16", "0.60"]
    assert last[3] == "", "operations of the head have no time of their own"
    assert "0.60 ms by the block table" in describe(TIMED[0])
    assert "ms" not in describe(BLOCKS[0])


def test_where_milliseconds_are_from_is_said() -> None:
    assert "the block table of litert." in explain_blocks(TIMED, "litert")
    assert "edgesmith devices profile litert" in explain_blocks(BLOCKS, "litert")


@pytest.fixture
def page() -> Node:
    nets = (NetworkFacts(name=candidates()[3].name, blocks=TIMED), NetworkFacts(name="of the front", blocks=BLOCKS))
    return read_page(render(replace(sample_report(), networks=nets)))


def test_the_report_draws_each_network_folded_away(page: Node) -> None:
    section = page.by_id("networks")
    folded = section.find("details")
    assert [each.find("summary")[0].text for each in folded] == [f"4 {candidates()[3].name}", "of the front"]
    for each in folded:
        assert len(each.find("svg", kind="plot")) == 2
        assert len(each.find("table")) == 1
    assert "0.60" in folded[0].text
    assert "block table of onnxruntime" in section.text


def test_identifiers_and_labels_of_many_networks_differ(page: Node) -> None:
    counts = Counter(node.attributes["id"] for node in page.walk() if "id" in node.attributes)
    assert set(counts.values()) == {1}
    labels = Counter(box.attributes["aria-label"] for box in page.find("div", kind="scroll"))
    assert set(labels.values()) == {1}


def test_networks_are_kept_beside_the_page(tmp_path: Path) -> None:
    report = replace(sample_report(), networks=(NetworkFacts(name="a", blocks=TIMED),))
    write(report, tmp_path / "report.html")
    assert load(tmp_path / "report.json") == report
