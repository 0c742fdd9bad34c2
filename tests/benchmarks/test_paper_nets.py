"""The networks of the paper's tables cost what the paper, and what others counted, say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from paper.groups import FLOAT, INT8, Entry
from paper.nets import GROUPS, INPUT_GATES, NO_GATES, OLD_LAST_STAGE, RESOLUTIONS, WIDE_STEM, WIDTHS
from paper.published import LARGE, RELU, SMALL, SWISH_16, SWISH_112, TABLE_3, V2, V2_SMALL, WRITTEN_OUT

from edgesmith.arch.cost import count_total

# Parameters, and millions of multiply-adds: torchvision's and timm's own, or an independent count.
COUNTED = {
    LARGE: (5_483_032, 216.59),
    "V3-Large 0.75": (3_993_528, 154.56),
    "MnasNet-A1": (3_887_038, 311.58),
    V2: (3_504_872, 300.77),
    SMALL: (2_542_856, 56.51),
    "V3-Small 0.75": (2_041_872, 43.40),
    "Mnas-small": (2_030_264, 68.34),
    V2_SMALL: (1_677_128, 59.29),
}
# Printed figures that are further off. Small's belong to a head that no released checkpoint has; of its 66 M
# multiply-adds nobody knows the origin. The others are of earlier systems, and print a little less than there is.
NOT_REPRODUCED = {
    (SMALL, "params"),
    (SMALL, "madds"),
    ("V3-Small 0.75", "params"),
    (V2, "params"),
    ("Mnas-small", "params"),
    ("Mnas-small", "madds"),
}


def entries(group: str) -> dict[str, Entry]:
    return {entry.name: entry for entry in GROUPS[group].entries}


@pytest.fixture(scope="module")
def spec_text(shared_dir: Path) -> str:
    return (shared_dir / "spec" / "mobilenetv3.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COUNTED)
def test_table_3_costs_what_others_counted(name: str) -> None:
    total = count_total(entries("table3")[name].spec)
    assert (total.parameters, round(total.madds / 1e6, 2)) == COUNTED[name]


@pytest.mark.parametrize("name", COUNTED)
def test_table_3_costs_what_the_paper_prints(name: str) -> None:
    """To the paper's digits, and two per cent for its own ways of counting."""
    total, printed = count_total(entries("table3")[name].spec), TABLE_3[name]
    assert printed.madds_m is not None
    assert printed.params_m is not None
    for what, ours, theirs, digit in (
        ("madds", total.madds / 1e6, printed.madds_m, 0.5),
        ("params", total.parameters / 1e6, printed.params_m, 0.1),
    ):
        close = ours == pytest.approx(theirs, rel=0.02, abs=digit)
        assert close != ((name, what) in NOT_REPRODUCED), (what, ours, theirs)


def test_table_4_is_four_nets_of_table_3() -> None:
    whole = entries("table3")
    assert {name: entry.spec for name, entry in entries("table4").items()} == {
        name: whole[name].spec for name in (LARGE, V2, SMALL, V2_SMALL)
    }


def test_edits_change_what_their_names_say() -> None:
    """Section 5.1 and table 5: swishes are free of multiply-adds, the stem costs 10 M, the last stage some 34 M."""
    costs = {name: count_total(entry.spec).madds for name, entry in entries("edits").items()}
    more = {name: round((madds - costs[LARGE]) / 1e6, 1) for name, madds in costs.items()}
    assert [more[name] for name in (RELU, SWISH_16, SWISH_112)] == [0.0, 0.0, 0.0]
    assert more[WIDE_STEM] == 10.4
    assert more[OLD_LAST_STAGE] == 34.3
    assert more[NO_GATES] < more[INPUT_GATES] < 0


def test_swish_begins_where_table_5_says() -> None:
    """By the first block that has it: 16 channels come out of block 1, 80 of block 7, 112 of block 11."""
    found = {}
    for name, entry in entries("edits").items():
        swish = [getattr(block, "activation", None) == "hard_swish" for block in entry.spec.blocks[1:-1]]
        found[name] = swish.index(True) + 1 if any(swish) else None
    assert [found[name] for name in (LARGE, RELU, SWISH_16, SWISH_112)] == [7, None, 1, 11]


def test_h_swish_is_written_out_in_the_same_nets() -> None:
    nets = entries("edits")
    plain = [name for name, entry in nets.items() if entry.plain]
    assert plain == [f"{name}{WRITTEN_OUT}" for name in (LARGE, SWISH_16, SWISH_112)]
    assert all(nets[name].spec == nets[name.removesuffix(WRITTEN_OUT)].spec for name in plain)
    assert not any(entry.plain for entry in GROUPS["edits"].of_precision(INT8))
    assert len(GROUPS["edits"].of_precision(FLOAT)) == len(GROUPS["edits"].of_precision(INT8)) + len(plain)


@pytest.mark.parametrize("group", GROUPS)
def test_names_are_unique_and_compared_with_nets_of_the_group(group: str) -> None:
    names = [entry.name for entry in GROUPS[group].entries]
    assert len(set(names)) == len(names)
    assert {entry.against for entry in GROUPS[group].entries} <= set(names)


@pytest.mark.parametrize(("group", "column"), [("sweep_large", "Large"), ("sweep_small", "Small")])
def test_sweep_costs_what_the_facts_say(group: str, column: str, spec_text: str) -> None:
    """Widths under TensorFlow's rule with the head unscaled, and resolutions at width 1."""
    nets = entries(group)
    for width in WIDTHS:
        (line,) = re.findall(rf"^\| {column}(?: \(1024\))? \| {width} \| \**([\d,]+) / ([\d.]+)M", spec_text, re.M)
        total = count_total(nets[f"V3-{column} {width}"].spec)
        assert (total.parameters, f"{total.madds / 1e6:.2f}") == (int(line[0].replace(",", "")), line[1])
    (line,) = re.findall(rf"^\| {column} MAdds \(M\) \|(.*)\|$", spec_text, re.M)
    for side, madds in zip(RESOLUTIONS, line.split("|"), strict=True):
        name = f"V3-{column} 1.0" + ("" if side == 224 else f" at {side}")
        assert f"{count_total(nets[name].spec).madds / 1e6:.2f}" == madds.strip()
    assert len(nets) == len(WIDTHS) + len(RESOLUTIONS) - 1
