"""Writes the measured part of docs/runtimes.md from the rows in benchmarks/results.

    python benchmarks/runtimes_page.py

Of rows with the same subject, measured on processors with the same instructions, the last one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from int8 import MUCH
from marked import markdown, write_marked
from zoo_runtimes import DEVICES

from edgesmith.core.files import read_lines

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "runtimes.md"
RESULTS: Final = ROOT / "benchmarks" / "results"
SCRIPT: Final = "runtimes_page.py"

Row = Mapping[str, Any]


def main() -> None:
    write_marked(PAGE, SCRIPT, render(RESULTS))


def render(results: Path) -> str:
    """All tables of a folder of rows."""
    sections = (
        ("Every family", by_processor(last(results / "zoo_runtimes.jsonl"), zoo_table)),
        ("The best file of V3-Large", by_processor(last(results / "best_file.jsonl"), best_table)),
        ("int8 of trained weights", by_processor(last(results / "int8.jsonl"), int8_table)),
        ("Padding in LiteRT", padding_lines(last(results / "padding.jsonl"))),
    )
    return "\n\n".join("\n".join([f"### {heading}", "", *lines]) for heading, lines in sections)


def last(path: Path) -> list[Row]:
    """The last row of each subject, in the order of their first rows."""
    subjects = ("network", "model", "device", "mixed", "given_back", "instructions")
    rows = {tuple(row.get(name) for name in subjects): row for row in read_lines(path)}
    return list(rows.values())


def by_processor(rows: Sequence[Row], table: Callable[[Sequence[Row]], list[str]]) -> list[str]:
    """A table for each kind of processor."""
    lines: list[str] = []
    for told in dict.fromkeys(row.get("instructions") for row in rows):
        name = f"with {', '.join(told.split())}" if told else "whose instructions were not noted"
        of_it = [row for row in rows if row.get("instructions") == told]
        lines += ["", f"A processor {name}:", "", *table(of_it)]
    return lines[1:]


def zoo_table(rows: Sequence[Row]) -> list[str]:
    devices = DEVICES.split(",")
    lines = []
    for row in rows:
        times = {each["device"]: each for each in row["latency"]}
        cells = [
            f"{times[device]['ms']:.2f}{'*' * times[device]['contended']}" if device in times else "-"
            for device in devices
        ]
        lines.append([f"`{row['network']}`", *cells, f"{max(row['parity'].values()):.1e}"])
    table = markdown(["network", *devices, "furthest from PyTorch"], lines)
    notes = [f"- `{row['network']}` on {device}: {why}." for row in rows for device, why in row["refused"].items()]
    notes += [
        f"- `{row['network']}` in {kind}: outside its fast kernels "
        f"{', '.join(f'{count} {name}' for name, count in operators.items())}."
        for row in rows
        for kind, operators in row["outside"].items()
    ]
    if any(each["contended"] for row in rows for each in row["latency"]):
        notes.append("- \\* Other work disturbed the session.")
    return [*table, "", *notes] if notes else table


def best_table(rows: Sequence[Row]) -> list[str]:
    (row,) = rows
    lines = [
        [
            file["file"],
            f"{file['ms']:.2f} ({file['low_ms']:.2f} to {file['high_ms']:.2f})",
            f"{file['times_faster']:.2f} ({file['low']:.2f} to {file['high']:.2f})",
            row["plans"].get(file["file"].removesuffix(":int8"), "") if file["file"].endswith(":int8") else "",
        ]
        for file in sorted(row["files"], key=lambda file: file["ms"])
    ]
    limits = [
        f"- At the rate of {library}'s matrix product on one thread of this core ({row['gflops'][library]:.0f} "
        f"GFLOP/s) the network's multiply-adds alone would take {limit:.2f} ms."
        for library, limit in row["limit_ms"].items()
    ]
    titles = ["file", "ms, 95 % interval", "times faster than torchvision's, 99 % interval", "what stays in float"]
    return [*markdown(titles, lines), "", *limits]


def int8_table(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in rows:
        if "metrics" not in row:
            continue
        score, plan = row["metrics"], row["plan"]
        lines.append(
            [
                row["device"],
                "found by `quantize`" if row["mixed"] else "all int8",
                f"{score['top1_float']:.1%}, {score['top1']:.1%}",
                f"{100 * score['loss']:.1f} ({100 * score['loss_low']:.1f} to {100 * score['loss_high']:.1f})",
                f"{row['float_ms']:.2f}, {row['int8_ms']:.2f}",
                ", ".join([*plan["float_kinds"], *plan["float_parts"]]) or "nothing",
            ]
        )
    titles = ["runtime", "plan", "top-1 float, int8", "points lost, 95 % interval", "ms float, int8", "in float"]
    return [*markdown(titles, lines), *worst_lines(rows)]


def worst_lines(rows: Sequence[Row]) -> list[str]:
    """What gives back most, where everything in int8 loses much: a later row may lose less than an earlier one."""
    lossy = {row["device"] for row in rows if "metrics" in row and not row["mixed"] and row["metrics"]["loss"] > MUCH}
    found = []
    for row in rows:
        if "gives_back" in row and row["device"] in lossy:
            parts = list(row["gives_back"].items())[:5]
            told = ", ".join(f"`{part}` {nats:.3f}" for part, nats in parts)
            found.append(f"- {row['device']}, all int8: what alone in float gives back most, in nats: {told}.")
    return ["", *found] if found else []


def padding_lines(rows: Sequence[Row]) -> list[str]:
    return [
        f"- `{row['network']}`: {row['comparison']['ratio']:.3f} ({row['comparison']['low']:.3f} to "
        f"{row['comparison']['high']:.3f}) of the time of the same net with `@padding=same`."
        for row in rows
    ]


if __name__ == "__main__":
    main()
