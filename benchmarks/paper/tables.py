"""Tables of the page: the paper's ratios, and beside them those of every device that was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgesmith.arch.cost import count_total
from paper.groups import FLOAT, INT8, Entry
from paper.nets import GROUPS, WHOLE

Row = Mapping[str, Any]
NOT_YET = "not measured yet"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One device under one plan.

    Attributes:
        title: What stands above it.
        row: The session.
        plan: What stayed in float.
    """

    title: str
    row: Row
    plan: str

    @property
    def star(self) -> str:
        """Marks a session that other work disturbed."""
        return "\\*" * bool(self.row["contended"])

    def ratio(self, name: str) -> Row | None:
        """The ratio of a network; None where the session did not have it."""
        return _first(each for each in self.row["ratios"] if (each["name"], each["plan"]) == (name, self.plan))

    def over_float(self, name: str) -> Row | None:
        """The int8 file of a network over its float file; None where they did not take turns."""
        found = [each for each in self.row.get("over_float", []) if each["name"] == name]
        return _first(each for each in found if each["plan"] == self.plan) or _first(found)

    def net(self, name: str) -> Row | None:
        """A network's own figures; where the plan does not change it, those of its whole int8 file."""
        mine = {each["plan"]: each for each in self.row["nets"] if each["name"] == name}
        return mine.get(self.plan, mine.get(WHOLE))


def _first(found: Iterable[Row]) -> Row | None:
    return next(iter(found), None)


def columns(rows: Sequence[Row], group: str, precision: str) -> list[Column]:
    """The devices of a group; of several lines of one device the last counts."""
    sessions = {row["device"]: row for row in rows if row["group"] == group and precision_of(row) == precision}
    found = []
    for device, row in sessions.items():
        plans = list(dict.fromkeys(each["plan"] for each in row["ratios"]))
        for plan in plans:
            title = device if len(plans) == 1 else f"{device}, {plan}"
            found.append(Column(title=title, row=row, plan=plan))
    return found


def precision_of(row: Row) -> str:
    """Of the device's name as it was typed."""
    return INT8 if INT8 in row["device"].split(":") else FLOAT


def ratio_table(
    group: str, found: Sequence[Column], *, paper: Mapping[str, Mapping[str, str]], precision: str
) -> list[str]:
    """A line for each network.

    Args:
        group: Whose networks.
        found: The devices.
        paper: The paper's columns, by title and then network.
        precision: Of the devices; networks that have no such files are left out.
    """
    entries = GROUPS[group].of_precision(precision)
    bases = list(dict.fromkeys(entry.against for entry in entries))
    titles = ["network", "multiply-adds", *paper, *([f"{each.title}{each.star}" for each in found] or ["ours"])]
    lines = []
    for entry in entries:
        told = [figures.get(entry.name, "") for figures in paper.values()]
        ours = [cell(column.ratio(entry.name)) for column in found] or [NOT_YET]
        alone = len(bases) == 1 or entry.name == entry.against
        name = entry.name if alone else f"{entry.name} over {entry.against}"
        lines.append([name, number(madds_ratio(entry, entries)), *told, *ours])
    over = [f"Over {bases[0]}:", ""] if len(bases) == 1 else []
    return [*over, *markdown(titles, lines), "", *reference_lines(entries, found)]


def over_float_table(group: str, found: Sequence[Column], *, paper: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Int8 over float of the same network: what int8 saves."""
    titles = ["int8 over float", *paper, *([f"{each.title}{each.star}" for each in found] or ["ours"])]
    lines = []
    for entry in GROUPS[group].entries:
        told = [figures.get(entry.name, "") for figures in paper.values()]
        ours = [cell(column.over_float(entry.name)) for column in found] or [NOT_YET]
        lines.append([entry.name, *told, *ours])
    return markdown(titles, lines)


def cell(ratio: Row | None) -> str:
    """``0.816 (0.809 to 0.823)``; a network against itself is 1."""
    if ratio is None:
        return ""
    if ratio["name"] == ratio.get("against"):
        return "1"
    return f"{ratio['ratio']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})"


def number(ratio: float) -> str:
    """Three decimals; a network against itself is 1."""
    return "1" if ratio == 1 else f"{ratio:.3f}"


def madds_ratio(entry: Entry, entries: Sequence[Entry]) -> float:
    """Multiply-adds of a network over those of the one that it stands against."""
    against = next(each for each in entries if each.name == entry.against)
    return count_total(entry.spec).madds / count_total(against.spec).madds


def reference_lines(entries: Sequence[Entry], found: Sequence[Column]) -> list[str]:
    """Milliseconds of the networks that others stand against."""
    lines = []
    for name in dict.fromkeys(entry.against for entry in entries):
        times = [(column.title, column.net(name)) for column in found]
        told = ", ".join(f"{net['ms']:.2f} ms on {title}" for title, net in times if net is not None)
        if told:
            lines += [f"{name} takes {told}.", ""]
    return lines


def left_over_lines(entries: Sequence[Entry], found: Sequence[Column]) -> list[str]:
    """Operators outside the fast kernels, for each device and network that has some."""
    lines = []
    for column in found:
        nets = [(entry.name, column.net(entry.name)) for entry in entries]
        told = [
            f"{name} {', '.join(f'{count} {operator}' for operator, count in net['outside'].items())}"
            for name, net in nets
            if net is not None and net["outside"]
        ]
        if told:
            lines += [f"Outside the fast kernels of {column.title}: {'; '.join(told)}.", ""]
    return lines


def markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown, a line each."""
    return [f"| {' | '.join(each)} |" for each in (titles, ["---"] * len(titles), *lines)]
