"""The paper's figures in the benchmark are those of the facts that were read off the paper."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from paper.ladder import published_top1
from paper.published import (
    ABSTRACT_FASTER,
    ABSTRACT_POINTS,
    LARGE,
    LAST_STAGE_MS,
    LAST_STAGE_SHARE,
    SMALL,
    STEM_MS,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_5_PLAIN_MS,
    V2,
    V2_SMALL,
)


@pytest.fixture(scope="module")
def facts(shared_dir: Path) -> str:
    return (shared_dir / "spec" / "mobilenetv3.md").read_text(encoding="utf-8")


def table_after(text: str, heading: str) -> dict[str, list[str]]:
    """The lines of the first table behind a heading, by first cell."""
    lines = text.split(heading, 1)[1].split("\n")
    start = next(index for index, line in enumerate(lines) if line.startswith("|"))
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        found[name] = cells
    return found


def test_table_3(facts: str) -> None:
    lines = table_after(facts, "**Table 3, float, 224**")
    ours = {name: [each.top1, each.madds_m, each.params_m, *each.pixel_ms] for name, each in TABLE_3.items()}
    assert ours == {name: [float(cell) for cell in cells] for name, cells in lines.items()}


def test_table_4(facts: str) -> None:
    lines = table_after(facts, "**Table 4, quantised**")
    short = {name.removesuffix(" 1.0") if name == SMALL else name: each for name, each in TABLE_4.items()}
    ours = {name: [each.top1, *each.pixel_ms] for name, each in short.items()}
    assert ours == {name: [float(cell) for cell in cells] for name, cells in lines.items()}


def test_table_5(facts: str) -> None:
    lines = table_after(facts, "**Table 5")
    ours = {name: [each.top1, *each.pixel_ms, TABLE_5_PLAIN_MS[name]] for name, each in TABLE_5.items()}
    theirs = {
        name.replace(" (@80)", ""): [float(cell.split(" ")[0]) for cell in cells] for name, cells in lines.items()
    }
    assert ours == theirs


def test_text(facts: str) -> None:
    faster, points = re.findall(r"abstract says (\d+)% / ([\d.]+)%", facts)[0]
    assert (int(faster) / 100, float(points)) == (ABSTRACT_FASTER, ABSTRACT_POINTS)
    saved, share = re.findall(r"Published saving: (\d+) ms = (\d+)% of run time", facts)[0]
    assert (int(saved), int(share) / 100) == (LAST_STAGE_MS, LAST_STAGE_SHARE)
    assert re.findall(r"Stem 32 -> 16 filters with h-swish: saves (\d+) ms", facts) == [str(STEM_MS)]


def test_abstract_agrees_with_table_3() -> None:
    """20 % less time than V2, whatever the phone; 6.6 points more than the V2 of Small's latency."""
    ratios = [a / b for a, b in zip(TABLE_3[LARGE].pixel_ms, TABLE_3[V2].pixel_ms, strict=True)]
    assert ratios == [pytest.approx(1 - ABSTRACT_FASTER, abs=0.015)] * 3
    assert TABLE_3[SMALL].top1 - TABLE_3[V2_SMALL].top1 == pytest.approx(ABSTRACT_POINTS)


def test_ladder_accuracies(shared_dir: Path) -> None:
    text = (shared_dir / "spec" / "family.md").read_text(encoding="utf-8")
    lines = table_after(text, "## 3. MobileNetV2")
    for name, top1 in published_top1().items():
        width, side = re.fullmatch(r"V2 ([\d.]+) at (\d+)", name).groups()  # type: ignore[union-attr]
        cells = lines[width][-1].split(" / ")
        assert top1 == pytest.approx(float(cells[[224, 192, 160, 128, 96].index(int(side))]))
