"""Writes the measured part of docs/strategies.md from the rows in benchmarks/results.

python benchmarks/strategies_page.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from accel import CHECKPOINTS as ACCEL_CHECKPOINTS
from accel import OTHERS, STRATEGIES
from accel_table import HARDWARE, LATENCIES
from controller import POLICIES, REWARDS
from macro import CHECKPOINTS as MACRO_CHECKPOINTS
from macro import NAMES, regret_of
from marked import markdown, write_marked
from scipy.stats import t as student

from edgesmith.core.files import read_lines
from edgesmith.search.strategies.table import DEFAULT

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "strategies.md"
RESULTS: Final = ROOT / "benchmarks" / "results"
SCRIPT: Final = "strategies_page.py"
NEAR: Final = 0.03
ACCEL_NAMES: Final = (*STRATEGIES, *OTHERS)

Row = Mapping[str, Any]


def main() -> None:
    write_marked(PAGE, SCRIPT, render(RESULTS))


def render(results: Path) -> str:
    """All tables of a folder of rows."""
    sections = (
        ("Regret on NAS-Bench-Macro", macro_table(read_lines(results / "macro.jsonl"))),
        ("Fronts on Accel-NASBench", accel_lines(read_lines(results / "accel.jsonl"))),
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


def accel_lines(rows: Sequence[Row]) -> list[str]:
    """Each column's reference, what each strategy covers, and on how many columns the default covers more."""
    if not rows:
        return table([], [])
    searches, ranked = Searches(rows), []
    for column in searches.columns:
        found = {name: searches.volumes(column, name) for name in ACCEL_NAMES}
        mine = [name for name in ACCEL_NAMES if found[name]]
        mine.sort(key=lambda name: -np.mean(found[name][ACCEL_CHECKPOINTS[-1]]))
        for name in mine:
            cells = [f"{mean:.3f} ± {half:.3f}" for mean, half in map(interval, found[name].values())]
            ranked.append([f"`{column}`", f"`{name}`", *cells, str(len(found[name][ACCEL_CHECKPOINTS[0]]))])
    titles = ["hardware", "strategy", *(f"after {count}" for count in ACCEL_CHECKPOINTS), "seeds"]
    return [*references(rows), "", *table(titles, ranked), "", *verdicts(searches)]


def references(rows: Sequence[Row]) -> list[str]:
    """Where fronts begin to count, a line for each column."""
    first = {row["column"]: row for row in rows if "reference" in row}
    lines = [
        [
            f"`{column}`",
            f"{row['tau']:.2f}",
            f"{row['reference'][0]:.2f} %",
            f"{row['reference'][1]:.4g} {unit(column)}",
        ]
        for column in HARDWARE
        if (row := first.get(column))
    ]
    return table(["hardware", "tau", "reference: accuracy", "reference: hardware"], lines)


def unit(column: str) -> str:
    """What a column is measured in."""
    return "ms" if column in LATENCIES else "pictures/s"


class Searches:
    """Hypervolumes by column and strategy."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.columns = [column for column in HARDWARE if any(row["column"] == column for row in rows)]

    def volumes(self, column: str, name: str) -> dict[int, list[float]]:
        """One for each seed, at each checkpoint; empty where it was not run."""
        mine = [row["volume"] for row in self._rows if (row["column"], row["strategy"]) == (column, name)]
        return {count: [volume[str(count)] for volume in mine] for count in ACCEL_CHECKPOINTS} if mine else {}

    def wins(self, name: str, other: str, count: int) -> tuple[int, int]:
        """On how many columns a strategy covers more than another one on average, and how many both searched."""
        pairs = [(self.volumes(column, name), self.volumes(column, other)) for column in self.columns]
        both = [(np.mean(a[count]), np.mean(b[count])) for a, b in pairs if a and b]
        return sum(bool(a > b) for a, b in both), len(both)


def verdicts(searches: Searches) -> list[str]:
    """A line for each strategy that the default is set against."""
    lines = []
    for other in ACCEL_NAMES[1:]:
        found = [(count, *searches.wins(DEFAULT, other, count)) for count in ACCEL_CHECKPOINTS]
        if any(number for _, _, number in found):
            said = ", ".join(f"{wins} of {number} after {count}" for count, wins, number in found)
            lines.append(f"- `{DEFAULT}` covers more than `{other}` on {said} evaluations.")
    return lines


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half of Student's 95 % interval; nan of a single value."""
    if len(values) < 2:
        return float(np.mean(values)), float("nan")
    reach = float(student.ppf(0.975, len(values) - 1))
    return float(np.mean(values)), reach * float(np.std(values, ddof=1)) / len(values) ** 0.5


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
        f"({row['wall_s']:.1f} s on the clock, of a machine that did other work too)."
        for row in rows[-1:]
    ] or ["Not measured yet."]


def table(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    return markdown(titles, lines) if lines else ["Not measured yet."]


if __name__ == "__main__":
    main()
