"""The measured part of docs/paper.md, written from the rows; what stands around it is written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.core.files import write_text
from paper.groups import FLOAT, INT8
from paper.ladder import bracket_table, published_top1
from paper.machines import machine_lines
from paper.nets import GROUPS, NO_GATES, OLD_LAST_STAGE, WIDE_STEM
from paper.published import (
    LARGE,
    LAST_STAGE_MS,
    LAST_STAGE_SHARE,
    SMALL,
    STEM_MS,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_5_PLAIN_MS,
    WRITTEN_OUT,
    Figures,
)
from paper.published_dense import TABLE_6, TABLE_7, TABLE_8, DenseFigures
from paper.summary import summary_table
from paper.tables import Row, columns, left_over_lines, number, over_float_table, ratio_table

BEGIN: Final = "<!-- begin: written by benchmarks/paper_speed.py -->"
END: Final = "<!-- end -->"
PHONES: Final = ("Pixel 1", "Pixel 2", "Pixel 3")


def write_page(path: Path, rows: Sequence[Row]) -> None:
    """Replace what stands between the marks by the tables of the rows.

    Raises:
        UsageError: The page lacks a mark.
    """
    text = path.read_text(encoding="utf-8")
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise UsageError(f"{path} has no place for the tables; it needs a line {BEGIN!r} and, below, a line {END!r}")
    write_text(path, f"{before}{BEGIN}\n\n{render(rows)}\n{END}{after}")


def render(rows: Sequence[Row]) -> str:
    """All tables."""
    lines = ["### In short", "", *summary_table(rows, FLOAT), "", *summary_table(rows, INT8), ""]
    for heading, group, precision, paper in (
        ("Table 3, float", "table3", FLOAT, _accuracy(TABLE_3) | _phones("table3", TABLE_3)),
        ("Table 4, int8", "table4", INT8, _accuracy(TABLE_4) | _phones("table4", TABLE_4)),
        ("Table 5, figure 5 and section 5.3: what each part costs, float", "edits", FLOAT, _edits()),
        ("The same in int8", "edits", INT8, {}),
        ("Figure 7, Large", "sweep_large", FLOAT, _phones("sweep_large", TABLE_3)),
        ("Figure 7, Small", "sweep_small", FLOAT, _phones("sweep_small", TABLE_3)),
        ("Figure 7 in int8, Large", "sweep_large", INT8, {}),
        ("Figure 7 in int8, Small", "sweep_small", INT8, {}),
        ("V2 of V3-Small's latency, float", "ladder", FLOAT, _ladder()),
        ("V2 of V3-Small's latency, int8", "ladder", INT8, _ladder()),
        ("Table 6: SSDLite at 320x320, Large, float", "table6", FLOAT, _detectors("table6")),
        ("Table 6: SSDLite at 320x320, Small, float", "table6_small", FLOAT, _detectors("table6_small")),
        ("Table 7: segmentation at 512x1024, float", "table7", FLOAT, _dense("mIoU", "table7", TABLE_7, "Pixel 3")),
        ("Table 8: output stride, float", "table8", FLOAT, _dense("mIoU", "table8", TABLE_8, "Pixel 3")),
    ):
        found = columns(rows, group, precision)
        if not found and precision not in GROUPS[group].precisions:
            continue  # timed only when it is asked for
        lines += [f"### {heading}", "", *ratio_table(group, found, paper=paper, precision=precision)]
        if group == "ladder":
            lines += [*bracket_table(found), ""]
        if group == "table4":
            lines += [*over_float_table(group, found, paper=_int8_over_float()), ""]
        if precision == INT8:
            lines += left_over_lines(GROUPS[group].of_precision(precision), found)
        lines += machine_lines(found)
    return "\n".join([*lines, *_conditions(rows)])


def _accuracy(table: Mapping[str, Figures]) -> dict[str, dict[str, str]]:
    return {"top-1, paper": {name: f"{figures.top1:.1f} %" for name, figures in table.items()}}


def _dense(score: str, group: str, table: Mapping[str, DenseFigures], phone: str) -> dict[str, dict[str, str]]:
    scores = {name: f"{figures.score:.1f} %" for name, figures in table.items()}
    return {f"{score}, paper": scores} | _phones(group, table, (phone,))


def _detectors(group: str) -> dict[str, dict[str, str]]:
    return _dense("mAP", group, TABLE_6, "Pixel 1")


def _phones(
    group: str, table: Mapping[str, Figures] | Mapping[str, DenseFigures], phones: Sequence[str] = PHONES
) -> dict[str, dict[str, str]]:
    """The paper's ratios on each phone, for the networks of a group that its table has."""
    pairs = {entry.name: entry.against for entry in GROUPS[group].entries if entry.name in table}
    return {
        phone: {
            name: number(table[name].pixel_ms[index] / table[against].pixel_ms[index])
            for name, against in pairs.items()
        }
        for index, phone in enumerate(phones)
    }


def _int8_over_float() -> dict[str, dict[str, str]]:
    """Table 4 over table 3."""
    return {
        phone: {
            name: number(figures.pixel_ms[index] / TABLE_3[name].pixel_ms[index]) for name, figures in TABLE_4.items()
        }
        for index, phone in enumerate(PHONES)
    }


def _edits() -> dict[str, dict[str, str]]:
    """Table 5 on Pixel 1, and what section 5 says in words."""
    (base,) = TABLE_5[LARGE].pixel_ms
    told = {name: number(figures.pixel_ms[0] / base) for name, figures in TABLE_5.items()}
    told |= {f"{name}{WRITTEN_OUT}": number(ms / base) for name, ms in TABLE_5_PLAIN_MS.items()}
    told[OLD_LAST_STAGE] = f"{1 / (1 - LAST_STAGE_SHARE):.3f} ({LAST_STAGE_MS} ms more)"
    told[WIDE_STEM] = f"{STEM_MS} ms more"
    told[NO_GATES] = "no discernible difference"
    return {"Pixel 1": told}


def _ladder() -> dict[str, dict[str, str]]:
    accuracy = {SMALL: TABLE_3[SMALL].top1, **published_top1()}
    return {"top-1 of float": {name: f"{top1:.1f} %" for name, top1 in accuracy.items()}}


def _conditions(rows: Sequence[Row]) -> list[str]:
    """Versions and seed of the lines that count; each table names its machine."""
    if not rows:
        return []
    last = {(row["group"], row["device"]): row for row in rows}.values()
    told = [_joined(row[key] for row in last) for key in ("runtime", "seed")]
    lines = [f"One thread, batch 1; {told[0]}; seed {told[1]}.", ""]
    if any(row["contended"] for row in last):
        lines += ["\\* Other work disturbed the session.", ""]
    return lines


def _joined(values: object) -> str:
    assert hasattr(values, "__iter__")
    return ", ".join(dict.fromkeys(map(str, values)))
