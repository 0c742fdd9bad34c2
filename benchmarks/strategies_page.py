"""Writes the measured part of docs/strategies.md from the rows in benchmarks/results.

python benchmarks/strategies_page.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from accel import CHECKPOINTS as ACCEL_CHECKPOINTS
from accel import STRATEGIES as ACCEL_STRATEGIES
from accel_table import HARDWARE, LATENCIES
from controller import POLICIES, REWARDS
from macro import CHECKPOINTS as MACRO_CHECKPOINTS
from macro import NAMES, regret_of
from marked import markdown, write_marked

from edgesmith.core.files import read_lines

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "strategies.md"
RESULTS: Final = ROOT / "benchmarks" / "results"
SCRIPT: Final = "strategies_page.py"
NEAR: Final = 0.03

Row = Mapping[str, Any]


def main() -> None:
    write_marked(PAGE, SCRIPT, render(RESULTS))


def render(results: Path) -> str:
    """All tables of a folder of rows."""
    sections = (
        ("Regret on NAS-Bench-Macro", macro_table(read_lines(results / "macro.jsonl"))),
        ("Fronts on Accel-NASBench", accel_table(read_lines(results / "accel.jsonl"))),
        ("Where policies end", controller_table(read_lines(results / "controller.jsonl"))),
        ("A hundred thousand predictions", speed_lines(read_lines(results / "search_speed.jsonl"))),
    )
    return "\n\n".join("\n".join([f"### {heading}", "", *lines]) for heading, lines in sections)


def macro_table(rows: Sequence[Row]) -> list[str]:
    lines = []
    for name in NAMES:
        mine = [row for row in rows if row["strategy"] == name]
        if mine:
            found = [regret_of(mine, count) for count in MACRO_CHECKPOINTS]
            lines.append([f"`{name}`", *(f"{mean:.3f} ± {half:.3f}" for mean, half, _ in found), str(found[0][2])])
    lines.sort(key=lambda line: line[-2])
    return table(["strategy", *(f"after {count}" for count in MACRO_CHECKPOINTS), "seeds"], lines)


def accel_table(rows: Sequence[Row]) -> list[str]:
    lines = []
    for column in HARDWARE:
        cells, counts = [], []
        for name in ACCEL_STRATEGIES:
            mine = [row for row in rows if (row["column"], row["strategy"]) == (column, name)]
            counts.append(len(mine))
            cells.append(" / ".join(volume(mine, str(count)) for count in ACCEL_CHECKPOINTS) if mine else "-")
        if any(counts):
            tau = next(row["tau"] for row in rows if row["column"] == column)
            lines.append([f"`{column}`", *cells, str(min(counts)), f"{tau:.2f}"])
    titles = ["hardware", *(f"`{name}`" for name in ACCEL_STRATEGIES), "seeds", "tau"]
    shown = table(titles, lines)
    return [*shown, "", f"- {verdict(rows)}"] if lines else shown


def volume(rows: Sequence[Row], count: str) -> str:
    return f"{np.mean([row['volume'][count] for row in rows]):.3f}"


def verdict(rows: Sequence[Row]) -> str:
    """On how many pieces of hardware the default covers most, at each checkpoint."""
    parts = []
    for count in map(str, ACCEL_CHECKPOINTS):
        means = {
            (column, name): np.mean([row["volume"][count] for row in mine])
            for column in HARDWARE
            for name in ACCEL_STRATEGIES
            if (mine := [row for row in rows if (row["column"], row["strategy"]) == (column, name)])
        }
        whole = [column for column in HARDWARE if all((column, name) in means for name in ACCEL_STRATEGIES)]
        wins = sum(
            means[column, ACCEL_STRATEGIES[0]] >= max(means[column, n] for n in ACCEL_STRATEGIES) for column in whole
        )
        parts.append(f"{wins} of {len(whole)} after {count}")
    return f"`{ACCEL_STRATEGIES[0]}` covers most on {', '.join(parts)} evaluations."


def controller_table(rows: Sequence[Row]) -> list[str]:
    lines = []
    for column in LATENCIES:
        for name in POLICIES:
            for reward in REWARDS:
                wanted = (column, name, reward)
                mine = [row for row in rows if (row["column"], row["strategy"], row["reward"]) == wanted]
                if not mine:
                    continue
                off = np.array([row["off"] for row in mine])
                lines.append(
                    [
                        f"`{column}`",
                        f"`{name}`",
                        reward,
                        f"{(np.abs(off) <= NEAR).sum()} of {len(off)}",
                        f"{np.median(off):+.1%} ({off.min():+.1%} to {off.max():+.1%})",
                        f"{np.mean([row['top1'] for row in mine]):.1%}",
                    ]
                )
    titles = ["hardware", "policy", "reward", "within 3 %", "off target, median (least to most)", "accuracy"]
    return table(titles, lines)


def speed_lines(rows: Sequence[Row]) -> list[str]:
    return [
        f"- `{row['space']}`: {row['candidates']:,} distinct networks in {row['cpu_s']:.1f} s of one core "
        f"({row['wall_s']:.1f} s on the clock)."
        for row in rows[-1:]
    ] or ["Not measured yet."]


def table(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    return markdown(titles, lines) if lines else ["Not measured yet."]


if __name__ == "__main__":
    main()
