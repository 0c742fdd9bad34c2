"""What a finished job says, as markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from edgesmith.report.content import Latency
from edgesmith.report.markup import Html, element, join
from edgesmith.report.tables import cell, head_cell, list_facts, name_model, row_head, tabulate, with_interval
from edgesmith.report.wording import format_ms, latency_interval, plural
from edgesmith.web.addresses import address
from edgesmith.web.jobs import Job
from edgesmith.web.records import latency_of

_MOST_ROWS: Final = 200


def show_result(job: Job, output: Any) -> Html:
    """The JSON of a verb for readers.

    Raises:
        KeyError, TypeError, ValueError: It is not the JSON of that verb.
    """
    return _SHOWN[job.verb](job, output)


def _check(job: Job, output: Mapping[str, Any]) -> Html:
    problems = output["problems"]
    count = plural(int(output["num_images"]), "picture")
    verdict = f"{count}, nothing wrong." if not problems else f"{count}, {plural(len(problems), 'problem')}."
    head = [head_cell("File"), head_cell("Problem"), head_cell("What was seen")]
    rows = [
        element(
            "tr", {}, row_head(str(row["file"])), cell(str(row["kind"]).replace("_", " ")), cell(str(row["detail"]))
        )
        for row in problems[:_MOST_ROWS]
    ]
    more = len(problems) - _MOST_ROWS
    classes = [
        element("tr", {}, row_head(str(name)), cell(f"{int(number):,}", "number"))
        for name, number in list(output["classes"].items())[:_MOST_ROWS]
    ]
    return join(
        [
            element("p", {"class": "verdict"}, verdict),
            tabulate("Problems", head, rows, kind="problems") if rows else join([]),
            element("p", {"class": "quiet"}, f"and {more:,} more") if more > 0 else join([]),
            tabulate("Classes", [head_cell("Class"), head_cell("Pictures", "number")], classes, kind="splits"),
        ]
    )


def _measure(job: Job, output: Mapping[str, Any]) -> Html:
    head = [head_cell("Model"), head_cell("Device"), head_cell("Latency, ms", "number"), head_cell("Busy")]
    rows = [
        element(
            "tr",
            {},
            row_head(name_model(str(row["name"]))),
            cell(latency.device),
            cell(with_interval(format_ms(latency.ms), latency_interval(latency)), "number"),
            cell("yes: measure again on an idle machine" if latency.contended else "no"),
        )
        for row, latency in zip(output["latency"], _latencies(output), strict=True)
    ]
    verdicts = [
        element(
            "li",
            {},
            name_model(str(row["a"])),
            " against ",
            name_model(str(row["b"])),
            f": {row['verdict']} ({row['ratio']:.3f} of its time, {row['low']:.3f} to {row['high']:.3f})",
        )
        for row in output.get("comparisons", [])
    ]
    listed = element("ul", {"class": "facts-list"}, *verdicts) if verdicts else join([])
    return join([tabulate("Latency", head, rows, kind="latency"), listed])


def _fit(job: Job, output: Mapping[str, Any]) -> Html:
    met = bool(output["met"])
    stamp = element("span", {"class": f"stamp {'met' if met else 'missed'}"}, "budget met" if met else "budget missed")
    rows = [
        (each.device, f"{format_ms(each.ms)} ms ({latency_interval(each)}), budget {output['budget_ms']:g} ms")
        for each in _latencies(output)
    ]
    link = element("a", {"href": address("run", job.run), "class": "button"}, "To the run")
    return join([element("p", {}, stamp), list_facts(rows), element("p", {}, link)])


def _latencies(output: Mapping[str, Any]) -> list[Latency]:
    found = [latency_of(record) for record in output["latency"]]
    known = [latency for latency in found if latency is not None]
    if len(known) < len(found):
        raise ValueError("a latency lacks a figure")
    return known


_SHOWN: Final[Mapping[str, Callable[[Job, Any], Html]]] = MappingProxyType(
    {"check": _check, "measure": _measure, "fit": _fit}
)
