"""The detectors and segmenters of the benchmark are those of tables 6, 7 and 8, and so are the paper's figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from paper.dense import table_6, table_6_small, table_7, table_8
from paper.groups import Entry
from paper.published_dense import (
    ROW_1,
    ROW_7,
    ROW_10,
    ROW_11,
    SSD_LARGE,
    SSD_SMALL,
    SSD_V2,
    SSD_V2_SMALL,
    TABLE_6,
    TABLE_7,
    TABLE_8,
)

from edgesmith.arch.cost import count_total
from tests.benchmarks.test_paper_published import table_after


def facts(shared_dir: Path, name: str) -> str:
    return (shared_dir / "spec" / f"{name}.md").read_text(encoding="utf-8")


def number(cell: str) -> float:
    """Of ``3.60M``, ``1.02 s`` (milliseconds) and ``793 ms``."""
    if cell.endswith(" s"):
        return round(1000 * float(cell.removesuffix(" s")), 6)
    return float(cell.removesuffix(" ms").removesuffix("M").removesuffix("B"))


def test_table_6(shared_dir: Path) -> None:
    lines = table_after(facts(shared_dir, "detection"), "**Table 6, COCO test")
    theirs = {name.replace(" dagger", ", halved"): [number(cell) for cell in cells] for name, cells in lines.items()}
    theirs |= {f"V3-Large{name.removeprefix('V3')}": theirs[name] for name in ("V3", "V3, halved")}
    theirs["MnasNet-A1"] = theirs["MnasNet"]
    for name, figures in TABLE_6.items():
        assert [figures.score, *figures.pixel_ms, figures.params_m, figures.madds_g] == theirs[name], name


def test_table_7(shared_dir: Path) -> None:
    lines = table_after(facts(shared_dir, "segmentation"), "**Table 7, Cityscapes val")
    for row, (name, figures) in enumerate(TABLE_7.items(), start=1):
        backbone, halved, decoder, filters, miou, params, madds, _, half = lines[str(row)]
        assert name.replace("V3-Large", "V3") == (
            f"{backbone}{' halved' * (halved == 'yes')}, {decoder}-ASPP {filters}"
        )
        assert [figures.score, figures.params_m, figures.madds_g] == [number(miou), number(params), number(madds)]
        assert figures.pixel_ms == (number(half),)


def test_table_8(shared_dir: Path) -> None:
    text = facts(shared_dir, "segmentation").split("**Table 8, Cityscapes test**", 1)[1]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.split("\n") if "| " in line][1:5]
    for (name, figures), cells in zip(TABLE_8.items(), lines, strict=True):
        assert name.replace("V3-Large", "V3") == f"{cells[0]}, output stride {cells[1]}"
        assert [figures.score, figures.madds_g] == [number(cells[2]), number(cells[3])]
        assert figures.pixel_ms == (number(cells[6]),)


@pytest.mark.parametrize("entry", [*table_6(), *table_6_small()], ids=lambda entry: entry.name)
def test_detectors_cost_what_table_6_prints(entry: Entry) -> None:
    """Multiply-adds to the printed digits; the paper's parameters leave norms out, as `tests/arch` checks."""
    total, printed = count_total(entry.spec), TABLE_6[entry.name]
    assert total.madds / 1e9 == pytest.approx(printed.madds_g, abs=0.0101)


@pytest.mark.parametrize("entry", table_7(), ids=lambda entry: entry.name)
def test_segmenters_cost_what_table_7_prints(entry: Entry) -> None:
    """Parameters to the second digit, multiply-adds at 1025x2049 within five per cent: theirs hold other operators."""
    whole = count_total(replace(entry.spec, resolution=(1025, 2049)))
    printed = TABLE_7[entry.name]
    assert whole.parameters / 1e6 == pytest.approx(printed.params_m, abs=0.012)
    assert whole.madds / 1e9 == pytest.approx(printed.madds_g, rel=0.05)


def test_the_coarser_map_saves_what_table_8_prints() -> None:
    """A fifth of the multiply-adds of V3-Large, nearly a third of those of V3-Small."""
    cost = {entry.name: count_total(entry.spec).madds for entry in table_8()}
    for entry in table_8():
        printed = TABLE_8[entry.name].madds_g / TABLE_8[entry.against].madds_g
        assert cost[entry.name] / cost[entry.against] == pytest.approx(printed, abs=0.011)


def test_what_the_paper_says_of_these_tables() -> None:
    """Section 6.3: 27 % and 35 % faster detectors; the abstract's 34 % fit rows 1 and 7, and small beats V2 0.35."""
    assert 1 - TABLE_6[SSD_LARGE].pixel_ms[0] / TABLE_6[SSD_V2].pixel_ms[0] == pytest.approx(0.27, abs=0.005)
    assert 1 - TABLE_6[SSD_SMALL].pixel_ms[0] / TABLE_6[SSD_V2_SMALL].pixel_ms[0] == pytest.approx(0.35, abs=0.005)
    assert 1 - TABLE_7[ROW_7].pixel_ms[0] / TABLE_7[ROW_1].pixel_ms[0] == pytest.approx(0.354, abs=0.001)
    assert TABLE_7[ROW_11].pixel_ms[0] < TABLE_7[ROW_10].pixel_ms[0]
