"""The parts of the page below its top, each from the same report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgesmith.report.class_tables import tabulate_classes, tabulate_confusion, tabulate_places, tabulate_splits
from edgesmith.report.content import Command, FitReport, ModelFacts, Outcome
from edgesmith.report.curves import draw_curves
from edgesmith.report.frontier import draw_frontier
from edgesmith.report.markup import Html, Link, element, join
from edgesmith.report.pictures import show_mistakes, show_overlays
from edgesmith.report.search_plot import draw_search
from edgesmith.report.step_tables import tabulate_proposals, tabulate_sizes
from edgesmith.report.tables import (
    list_conditions,
    list_facts,
    tabulate_candidates,
    tabulate_problems,
    tabulate_stages,
)
from edgesmith.report.wording import fate_of_candidates, format_bytes, format_count, plural

_NOTHING = join([])


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part: a key for links, a heading, a sentence or two on how to read it, and what it shows."""

    key: str
    title: str
    note: str
    body: Html


def list_sections(report: FitReport, *, link: Link | None = None) -> list[Section]:
    """All parts that have something to show, in reading order; ``link`` gives a candidate's address by its number."""
    sections = [
        show_frontier(report, link=link),
        show_candidates(report, link=link),
        _search(report),
        _proposals(report),
        _sizes(report),
        _training(report),
        _classes(report),
        _places(report),
        _confusion(report),
        _mistakes(report),
        _overlays(report),
        _data(report),
        _time(report),
        _model(report.model),
        _conditions(report),
        _commands("repeat", "Repeat it", "The same commands on the same data give the same model.", report.repeat),
        _commands("next", "What next", "", report.next_steps),
    ]
    return [section for section in sections if section.body]


def show_frontier(report: FitReport, *, link: Link | None = None) -> Section:
    """The plot of all candidates, for desk and phone."""
    plots = join(
        [
            element("div", {"class": "desk"}, draw_frontier(report, width=840, height=400, link=link)),
            element("div", {"class": "phone"}, draw_frontier(report, width=360, height=360, link=link)),
        ]
    )
    note = (
        "Up is more accurate, left is faster. Points are scores in the race, on held-out pictures of the training set; "
        "the diamond is the winner after its whole training, on pictures that chose nothing."
    )
    return Section(key="frontier", title="Accuracy against latency", note=note, body=join([plots, _key(report)]))


def _key(report: FitReport) -> Html:
    """What the marks mean, only those that the plot holds."""
    outcomes = {candidate.outcome for candidate in report.candidates}
    badges = [
        (outcome.name.lower(), words)
        for outcome, words in (
            (Outcome.RACED, "raced to the end"),
            (Outcome.STOPPED, "stopped early, scored after fewer pictures"),
            (Outcome.STEP, "a step on the way, scored on held-out pictures"),
        )
        if outcome in outcomes
    ]
    marks = [element("li", {}, element("span", {"class": f"badge {kind}"}, "n"), words) for kind, words in badges]
    diamond = element("li", {}, element("span", {"class": "diamond"}), "winner, trained in full")
    return element("ul", {"class": "key-list", "aria-hidden": "true"}, diamond, *marks)


def show_candidates(report: FitReport, *, link: Link | None = None) -> Section:
    """The table of all candidates."""
    rows, metric = report.candidates, report.accuracy.metric
    body = tabulate_candidates(rows, metric=metric, link=link) if rows else _NOTHING
    note = f"{fate_of_candidates(report)}. In the order tried; the numbers are those of the plot."
    return Section(key="candidates", title="Candidates", note=note, body=body)


def _search(report: FitReport) -> Section:
    note = (
        "Each candidate was trained for a little, at a smaller resolution, and scored on held-out pictures of the "
        "training set: good for telling candidates apart, not for what they reach in the end."
    )
    if report.search is None:
        return Section(key="search", title="Search", note=note, body=_NOTHING)
    facts = element("ul", {"class": "facts-list"}, *(element("li", {}, each) for each in report.search.lines))
    plots = join(
        [
            element("div", {"class": "desk"}, draw_search(report, width=840, height=360)),
            element("div", {"class": "phone"}, draw_search(report, width=360, height=320)),
        ]
    )
    curves = element("div", {"class": "panels"}, draw_curves(report.search.best_so_far, identifier="best-so-far"))
    return Section(key="search", title="Search", note=note, body=join([facts, plots, curves]))


def _proposals(report: FitReport) -> Section:
    metric = report.accuracy.metric
    note = (
        "Every narrower network that was tried. Predicted latencies choose; the file of what was chosen is measured "
        f"for longer, and taken only if it is faster. Its {metric} is of the held-out part of train."
    )
    body = tabulate_proposals(report.proposals, metric=metric) if report.proposals else _NOTHING
    return Section(key="proposals", title="Steps", note=note, body=body)


def _sizes(report: FitReport) -> Section:
    note = "A narrowed network is a smaller dense one: there are no masks."
    body = tabulate_sizes(report.sizes) if report.sizes else _NOTHING
    return Section(key="sizes", title="Before and after", note=note, body=body)


def _training(report: FitReport) -> Section:
    panels = [draw_curves(panel, identifier=f"panel-{index}") for index, panel in enumerate(report.panels)]
    body = element("div", {"class": "panels"}, *panels) if panels else _NOTHING
    return Section(key="training", title="Training", note="The winner's whole training.", body=body)


def _classes(report: FitReport) -> Section:
    note = (
        "Recall: of the pictures of this class, the share found. Precision: of those given this class, the share right."
    )
    body = tabulate_classes(report.class_scores) if report.class_scores else _NOTHING
    return Section(key="classes", title="Each class", note=note, body=body)


def _places(report: FitReport) -> Section:
    words = report.place_words
    if words is None:
        return Section(key="places", title="Each class", note="", body=_NOTHING)
    return Section(key="places", title="Each class", note=words.note, body=tabulate_places(report.place_scores, words))


def _overlays(report: FitReport) -> Section:
    note = "The pictures it did worst on, worst first: look for a wrong truth among them."
    body = show_overlays(report.overlays, report.colours) if report.overlays else _NOTHING
    return Section(key="overlays", title="Worst pictures", note=note, body=body)


def _confusion(report: FitReport) -> Section:
    note = "Rows are the true classes, columns what the model said. The stronger the tint, the larger the share."
    body = tabulate_confusion(report.classes, report.confusion) if report.confusion else _NOTHING
    return Section(key="confusion", title="What it confuses", note=note, body=body)


def _mistakes(report: FitReport) -> Section:
    wrong = f"{report.num_mistakes:,} of {plural(report.accuracy.num_images, 'picture')} came out wrong"
    shown = len(report.mistakes)
    note = f"{wrong}. Those it was surest of come first: look for wrong labels among them."
    if shown < report.num_mistakes:
        note = f"{wrong}; here are the {shown} it was surest of. Look for wrong labels among them."
    body = show_mistakes(report.mistakes) if report.mistakes else element("p", {}, "None of them is kept here.")
    if report.place_scores:
        return Section(key="mistakes", title="Pictures it got wrong", note=note, body=_NOTHING)
    if not report.num_mistakes:
        note, body = (
            f"All {plural(report.accuracy.num_images, 'picture')} came out right.",
            element("p", {}, "Nothing to show."),
        )
    return Section(key="mistakes", title="Pictures it got wrong", note=note, body=body)


def _data(report: FitReport) -> Section:
    count = len(report.problems)
    note = "No file was left out." if not count else f"{plural(count, 'problem')}, each named below the counts."
    splits = tabulate_splits(report.classes, report.splits) if report.splits else _NOTHING
    problems = tabulate_problems(report.problems) if report.problems else _NOTHING
    return Section(key="data", title="Data", note=note, body=join([splits, problems]))


def _time(report: FitReport) -> Section:
    swatch = [element("li", {}, element("span", {"class": f"swatch {kind}"}), kind) for kind in ("forecast", "actual")]
    key = element("ul", {"class": "key-list", "aria-hidden": "true"}, *swatch)
    body = join([key, tabulate_stages(report)]) if report.stages else _NOTHING
    return Section(key="time", title="Time", note="What was forecast at the start, and what it took.", body=body)


def _model(model: ModelFacts) -> Section:
    pairs = [
        ("File", model.file_path),
        ("Size", format_bytes(model.file_size_bytes)),
        ("Input", f"{model.height} by {model.width} pixels"),
        ("Parameters", format_count(model.parameters)),
        ("Multiply-adds", format_count(model.madds)),
        ("Model hash", model.model_hash),
    ]
    if model.memory_bytes is not None:
        pairs.append(("Memory", format_bytes(model.memory_bytes)))
    if model.parity is not None:
        pairs.append(("File against source", f"outputs differ by {model.parity:.1e} of the largest at most"))
    return Section(key="model", title="The model", note="What you take away.", body=list_facts(pairs))


def _conditions(report: FitReport) -> Section:
    note = "Latency was measured on the exported file itself, in rounds that alternate with a reference network."
    body = list_conditions(report.conditions, report.latency)
    return Section(key="conditions", title="Measurement", note=note, body=body)


def _commands(key: str, title: str, note: str, commands: Sequence[Command]) -> Section:
    rows = [
        element(
            "li",
            {},
            element("p", {}, command.purpose),
            element("pre", {"tabindex": "0"}, element("code", {}, command.text)),
        )
        for command in commands
    ]
    body = element("ul", {"class": "commands"}, *rows) if rows else _NOTHING
    return Section(key=key, title=title, note=note, body=body)
