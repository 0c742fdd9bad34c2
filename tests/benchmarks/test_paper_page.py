"""The page holds what the rows hold, and says where nothing was measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from paper.ladder import Step, bracket
from paper.nets import GROUPS
from paper.page import BEGIN, END, render, write_page
from paper.published import LARGE, RELU, SMALL, V2, WRITTEN_OUT
from paper.tables import NOT_YET

from edgesmith.core.errors import UsageError

LARGE_OVER_V2 = f"{LARGE} over {V2}"
PAGE = Path(__file__).parents[2] / "docs" / "paper.md"


def row(group: str, device: str, ratios: dict[str, float], **changes: Any) -> dict[str, Any]:
    """A session whose ratios reach a hundredth to both sides; one plan."""
    plan = "all int8" if device.endswith(":int8") else "float"
    entries = {entry.name: entry for entry in GROUPS[group].entries}
    nets = [{"name": name, "plan": plan, "outside": {}, "ms": 10.0 * ratio} for name, ratio in ratios.items()]
    pairs = [
        {"name": name, "against": entries[name].against, "plan": plan, "ratio": ratio}
        | {"low": ratio - 0.01, "high": ratio + 0.01}
        for name, ratio in ratios.items()
    ]
    about = {"cpu": "Abacus", "runtime": "beads 2", "commit": "abc", "seed": 0, "contended": False}
    return {"group": group, "device": device, "nets": nets, "ratios": pairs, **about, **changes}


def line(text: str, heading: str, name: str, *, of: str = "") -> list[str]:
    """The cells of a network's line in a section, there in the table with the title ``of``."""
    section = text.split(f"### {heading}", 1)[1].split("###", 1)[0]
    if of:
        section = section.split(f"| {of} |", 1)[1].split("\n\n", 1)[0]
    (found,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", section, re.M)
    return [cell.strip() for cell in found.split("|")]


def sections(text: str) -> list[tuple[str, str]]:
    """Headings, and what stands below them."""
    return [(heading, part) for heading, _, part in (each.partition("\n") for each in text.split("### ")[1:])]


def test_ratios_stand_beside_the_papers() -> None:
    text = render([row("table3", "beads", {LARGE: 0.85, V2: 1.0})])
    assert line(text, "Table 3", "network")[-4:] == ["Pixel 1", "Pixel 2", "Pixel 3", "beads"]
    assert line(text, "Table 3", LARGE_OVER_V2) == [
        *("0.720", "75.2 %", "0.797", "0.803", "0.786", "0.850 (0.840 to 0.860)"),
    ]
    assert line(text, "Table 3", V2) == ["1", "72.0 %", "1", "1", "1", "1"]
    assert f"{V2} takes 10.00 ms on beads." in text
    assert "Measured on Abacus of instructions not noted, at commit abc." in text
    assert "One thread, batch 1; beads 2; seed 0." in text


def test_each_table_says_on_which_processor_it_was_measured() -> None:
    rows = [
        row("table3", "beads", {LARGE: 0.85, V2: 1.0}, commit="9aa81f0"),
        row("table3", "stones", {LARGE: 0.85, V2: 1.0}, instructions="avx2"),
        row("table4", "beads:int8", {LARGE: 0.9, V2: 1.0}, commit="b14f2ec"),
    ]
    text = render(rows)
    told = {heading: re.findall(r"^Measured on .*", part, re.M) for heading, part in sections(text)}
    first, second = "of the kind Zen 4, with AVX-512 and VNNI, at commit 9aa81f0", "with avx2, at commit abc"
    assert told["Table 3, float"] == [f"Measured on Abacus {first}; Abacus {second}."]
    assert told["Table 4, int8"] == [
        "Measured on Abacus of the kind Zen 3, with avx2 and without VNNI, at commit b14f2ec."
    ]
    assert told["Table 7: segmentation at 512x1024, float"] == []


def test_no_session_of_the_committed_page_was_on_an_unknown_machine() -> None:
    assert "not noted" not in PAGE.read_text(encoding="utf-8")


def test_table_5_stands_beside_pixel_1() -> None:
    text = render([row("edits", "beads", {LARGE: 1.0, RELU: 0.97, LARGE + WRITTEN_OUT: 1.2})])
    assert f"Over {LARGE}:" in text
    assert line(text, "Table 5", RELU) == ["1", "0.982", "0.970 (0.960 to 0.980)"]
    assert line(text, "Table 5", LARGE + WRITTEN_OUT)[-2:] == ["1.119", "1.200 (1.190 to 1.210)"]
    assert line(text, "Table 5", "last stage before")[1] == "1.124 (7 ms more)"


def test_the_last_line_of_a_device_counts() -> None:
    rows = [row("table3", "beads", {LARGE: 0.85, V2: 1.0}), row("table3", "beads", {LARGE: 0.75, V2: 1.0})]
    assert line(render(rows), "Table 3", LARGE_OVER_V2)[-1] == "0.750 (0.740 to 0.760)"


def test_disturbed_sessions_are_marked() -> None:
    text = render([row("table3", "beads", {LARGE: 0.85, V2: 1.0}, contended=True)])
    assert line(text, "Table 3", "network")[-1] == "beads\\*"
    assert "\\* Other work disturbed the session." in text


def test_int8_plans_are_columns_and_share_the_files_that_they_do_not_change() -> None:
    whole = row("table4", "beads:int8", {LARGE: 1.2, V2: 1.0})
    mixed = row("table4", "beads:int8", {LARGE: 0.6, V2: 1.0})
    for each in mixed["ratios"]:
        each["plan"] = "hard-swish in float"
    whole["ratios"] += mixed["ratios"]
    whole["nets"] += [net | {"plan": "float", "ms": 20.0} for net in whole["nets"]]
    whole["nets"][0]["outside"] = {"HARD_SWISH": 21}
    text = render([whole])
    assert line(text, "Table 4", LARGE_OVER_V2)[-2:] == ["1.200 (1.190 to 1.210)", "0.600 (0.590 to 0.610)"]
    assert f"Outside the fast kernels of beads:int8, all int8: {LARGE} 21 HARD_SWISH" in text
    assert f"{V2} takes 10.00 ms on beads:int8, all int8, 10.00 ms on beads:int8, hard-swish in float." in text


def test_int8_stands_over_float() -> None:
    """44 ms of table 4 over 51 ms of table 3."""
    ours = [{"name": LARGE, "plan": "all int8", "ratio": 0.6, "low": 0.5, "high": 0.7}]
    text = render([row("table4", "beads:int8", {LARGE: 0.9, V2: 1.0}, over_float=ours)])
    assert line(text, "Table 4", LARGE) == ["0.863", "0.697", "0.720", "0.600 (0.500 to 0.700)"]
    assert line(text, "Table 4", V2, of="int8 over float")[-1] == ""


@pytest.mark.parametrize(("ratio", "told"), [(0.75, "lower"), (0.78, "meets"), (0.81, "meets"), (0.85, "higher")])
def test_the_summary_says_how_an_interval_lies_to_the_phones(ratio: float, told: str) -> None:
    """The phones have 0.786 to 0.803."""
    text = render([row("table3", "beads", {LARGE: ratio, V2: 1.0}), row("table4", "beads:int8", {LARGE: 0.9})])
    assert line(text, "In short", "V3-Large over V2", of="float32") == ["0.786 to 0.803", f"{ratio:.3f}, {told}"]
    assert line(text, "In short", "ReLU over h-swish") == ["0.982", NOT_YET]
    assert line(text, "In short", "output stride 32 over 16, V3-Large") == ["0.813", NOT_YET]
    assert line(text, "In short", "V3-Large over V2", of="int8") == ["0.846 to 0.880", "0.900, higher"]


def test_the_v2_of_equal_latency() -> None:
    ratios = {SMALL: 1.0, "V2 0.35 at 224": 0.95, "V2 0.5 at 160": 0.9, "V2 0.75 at 128": 1.3, "V2 0.5 at 192": 1.1}
    text = render([row("ladder", "beads", ratios)])
    assert line(text, "V2 of V3-Small's latency, float", "beads") == [
        "V2 0.5 at 160: 61.0 %, 0.900 of the time, 6.4 points behind",
        "V2 0.5 at 192: 63.9 %, 1.100 of the time, 3.5 points behind",
    ]


def test_a_bracket_may_have_one_side() -> None:
    slow, worse = Step(name="a", ratio=1.2, top1=60.0), Step(name="b", ratio=1.1, top1=59.0)
    assert bracket([slow, worse]) == (None, worse)
    quick = Step(name="c", ratio=0.9, top1=61.0)
    assert bracket([slow, worse, quick]) == (quick, None)


def test_sweeps_in_int8_are_shown_where_they_were_asked_for() -> None:
    assert "Figure 7 in int8" not in render([])
    text = render([row("sweep_large", "beads:int8", {LARGE: 1.0, "V3-Large 0.5": 0.4})])
    assert line(text, "Figure 7 in int8, Large", "V3-Large 0.5") == ["0.320", "0.400 (0.390 to 0.410)"]
    assert "Figure 7 in int8, Small" not in text


def test_nothing_is_invented_where_nothing_was_measured() -> None:
    text = render([])
    assert line(text, "Table 3", LARGE_OVER_V2)[-1] == NOT_YET
    assert "Measured on" not in text
    assert text.count("takes") == text.count("takes no longer") + text.count("takes longer")


def test_only_the_marked_part_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{BEGIN}\nold\n{END}\n\nWhy.\n", encoding="utf-8")
    write_page(page, [row("table3", "beads", {LARGE: 0.85, V2: 1.0})])
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# Title\n\n{BEGIN}\n\n### In short")
    assert text.endswith(f"\n{END}\n\nWhy.\n")
    assert "old" not in text
    write_page(page, [row("table3", "beads", {LARGE: 0.85, V2: 1.0})])
    assert page.read_text(encoding="utf-8") == text


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"page\.md has no place for the tables"):
        write_page(page, [])


def test_the_committed_page_is_that_of_the_committed_rows() -> None:
    from edgesmith.core.files import read_lines

    rows = read_lines(Path(__file__).parents[2] / "benchmarks" / "paper" / "rows.jsonl")
    assert f"{BEGIN}\n\n{render(rows)}\n{END}" in PAGE.read_text(encoding="utf-8")
