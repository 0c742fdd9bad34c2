"""The whole `report.html`: one file that fetches nothing, opens from disk and reads in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from edgesmith.core.files import write_text
from edgesmith.report.content import FitReport
from edgesmith.report.markup import Html, element, join
from edgesmith.report.masthead import show_masthead
from edgesmith.report.saved import save
from edgesmith.report.sections import Section, list_sections

PAGE_NAME: Final = "report.html"
_FETCH_NOTHING = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render(report: FitReport) -> str:
    """The page as one HTML document."""
    sections = list_sections(report)
    body = element(
        "body",
        {},
        show_masthead(report),
        list_contents(sections),
        element("main", {}, *(place_section(section) for section in sections)),
        element("footer", {}, f"edgesmith {report.edgesmith_version}, {report.created_at}"),
    )
    return f"<!doctype html>\n{element('html', {'lang': 'en'}, _head(report), body)}\n"


def write(report: FitReport, path: Path) -> None:
    """Write the page, and its content beside it as JSON.

    Raises:
        RunError: The disk is full or the place cannot be written.
    """
    save(report, path.with_suffix(".json"))
    write_text(path, render(report))


def read_style() -> str:
    """The style sheet; its variables colour page and plots for light and dark."""
    return files("edgesmith.report").joinpath("style.css").read_text(encoding="utf-8")


def _head(report: FitReport) -> Html:
    return element(
        "head",
        {},
        element("meta", {"charset": "utf-8"}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": _FETCH_NOTHING}),
        element("title", {}, f"{report.model.name} on {report.data}: edgesmith {report.verb}"),
        element("style", {}, Html(read_style())),
    )


def list_contents(sections: Sequence[Section]) -> Html:
    """Links to the parts."""
    links = (element("a", {"href": f"#{section.key}"}, section.title) for section in sections)
    return element(
        "nav", {"aria-label": "On this page"}, element("ul", {}, *(element("li", {}, link) for link in links))
    )


def place_section(section: Section) -> Html:
    """A part with its heading and its note beside it."""
    heading = f"{section.key}-heading"
    return element(
        "section",
        {"id": section.key, "aria-labelledby": heading},
        element(
            "div",
            {"class": "aside"},
            element("h2", {"id": heading}, section.title),
            element("p", {"class": "note"}, section.note) if section.note else join([]),
        ),
        element("div", {"class": "content"}, section.body),
    )
