"""The report's tables, and the cells that all of them are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgesmith.core.units import format_duration
from edgesmith.report.bars import draw_pair
from edgesmith.report.content import CandidateRow, Conditions, DataProblem, FitReport, Latency, StageTime
from edgesmith.report.markup import Html, Link, element, escape, join, link_to
from edgesmith.report.wording import (
    accuracy_interval,
    format_count,
    format_ms,
    format_share,
    latency_interval,
    plural,
    total_times,
)


def tabulate(caption: str, head: Sequence[Html], rows: Sequence[Html], *, kind: str, foot: Sequence[Html] = ()) -> Html:
    """A table that scrolls sideways by itself, by keyboard too, where the window is too narrow for it.

    The caption is for screen readers: the page's headings say it to everybody else.
    """
    table = element(
        "table",
        {"class": kind},
        element("caption", {"class": "hidden"}, caption),
        element("thead", {}, element("tr", {}, *head)),
        element("tbody", {}, *rows),
        element("tfoot", {}, *foot) if foot else join([]),
    )
    return element("div", {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption}, table)


def head_cell(words: str, kind: str | None = None) -> Html:
    """The head of a column; an empty one is no header."""
    if not words:
        return element("td", {"class": kind})
    return element("th", {"scope": "col", "class": kind}, words)


def row_head(words: str) -> Html:
    """What a row is about."""
    return element("th", {"scope": "row"}, words)


def cell(words: str, kind: str | None = None) -> Html:
    """A plain cell of the style sheet's class ``kind``."""
    return element("td", {"class": kind}, words)


def with_interval(figure: str, interval: str) -> Html:
    """A figure with its interval below."""
    return join([escape(figure), element("span", {"class": "interval"}, interval)])


def name_model(name: str) -> Html:
    """A model's name, which may break after each of its options."""
    parts = re.split(r"(?<=[@,_])", name)
    return element("code", {"class": "model"}, join(parts, element("wbr", {})))


def list_facts(pairs: Sequence[tuple[str, str]]) -> Html:
    """Names with their values, side by side."""
    rows = [element("div", {}, element("dt", {}, name), element("dd", {}, value)) for name, value in pairs]
    return element("dl", {"class": "facts"}, *rows)


def tabulate_candidates(candidates: Sequence[CandidateRow], *, metric: str, link: Link | None = None) -> Html:
    """Every candidate in the order tried, numbered as in the plot.

    Args:
        candidates: In that order.
        metric: The figure's name for readers.
        link: Gives a candidate's address by its number.
    """
    head = [
        head_cell("No."),
        head_cell("Model and what became of it"),
        head_cell("Latency, ms", "number"),
        head_cell(f"{metric} in the race, %", "number"),
        head_cell("Pictures trained", "number wide"),
        head_cell("MAdds", "number wide"),
        head_cell("Parameters", "number wide"),
    ]
    rows = [
        _candidate(number, row, None if link is None else link(number))
        for number, row in enumerate(candidates, start=1)
    ]
    return tabulate("Candidates in the order tried", head, rows, kind="candidates")


def tabulate_problems(problems: Sequence[DataProblem]) -> Html:
    """Each problem with its file."""
    head = [head_cell("File"), head_cell("Problem"), head_cell("What was seen")]
    rows = [
        element(
            "tr",
            {},
            element("th", {"scope": "row"}, element("code", {"class": "file"}, problem.file)),
            cell(problem.kind),
            cell(problem.detail),
        )
        for problem in problems
    ]
    return tabulate("Problems of the data", head, rows, kind="problems")


def tabulate_stages(report: FitReport) -> Html:
    """Forecast and actual time of each stage as bars and figures."""
    stages = report.stages
    most = max([*(stage.forecast_s for stage in stages), *(stage.actual_s for stage in stages)], default=0) or 1.0
    head = [head_cell("Stage"), head_cell("", "pair"), head_cell("Forecast", "number"), head_cell("Actual", "number")]
    rows = [_stage(stage, draw_pair(stage.forecast_s, stage.actual_s, most=most)) for stage in stages]
    foot = [_stage(total_times(report), join([]))]
    return tabulate("Forecast and actual time of each stage", head, rows, kind="stages", foot=foot)


def list_conditions(conditions: Conditions, latency: Latency) -> Html:
    """What a reader needs to measure it again."""
    busy = "yes: other programs took part of the processor" if conditions.contended else "no"
    pairs = [
        ("Device", f"{latency.device}, {conditions.precision}"),
        ("Threads", str(conditions.threads)),
        ("Processor", f"{conditions.cpu}, {plural(conditions.num_cores, 'core')}"),
        ("Load while measuring", f"{conditions.load_average:.2f}"),
        ("Contended", busy),
        ("Rounds", f"{conditions.num_rounds}, interleaved"),
        ("Measured", conditions.measured_at),
        ("Versions", ", ".join(f"{name} {version}" for name, version in conditions.versions)),
    ]
    return list_facts(pairs)


def _candidate(number: int, row: CandidateRow, address: str | None) -> Html:
    kind = row.outcome.name.lower()
    badge = element("span", {"class": f"badge {kind}"}, str(number))
    fate = element("span", {"class": f"fate {kind}"}, row.outcome.value)
    story = element("p", {"class": "story"}, fate, ": ", row.reason)
    latency = element("span", {"class": "quiet"}, "not measured")
    if row.latency:
        latency = with_interval(format_ms(row.latency.ms), latency_interval(row.latency))
    elif row.estimated_ms is not None:
        latency = with_interval(f"about {format_ms(row.estimated_ms)}", "estimated")
    accuracy = element("span", {"class": "quiet"}, "not trained")
    if row.accuracy:
        accuracy = with_interval(format_share(row.accuracy.value), accuracy_interval(row.accuracy).removesuffix(" %"))
    return element(
        "tr",
        {"class": kind, "data-candidate": str(number)},
        cell(badge),
        element("th", {"scope": "row"}, link_to(address, name_model(row.name)), story),
        cell(latency, "number"),
        cell(accuracy, "number"),
        cell(f"{row.num_pictures_trained:,}" if row.num_pictures_trained else "0", "number wide"),
        cell(format_count(row.madds), "number wide"),
        cell(format_count(row.parameters), "number wide"),
    )


def _stage(stage: StageTime, bars: Html) -> Html:
    return element(
        "tr",
        {},
        row_head(stage.name),
        cell(bars, "pair"),
        cell(format_duration(stage.forecast_s), "number"),
        cell(format_duration(stage.actual_s), "number"),
    )
