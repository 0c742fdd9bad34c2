"""The Markdown that model cards are written in, as markup: headings, tables, lists, code and paragraphs, no more.

Whatever else a card holds is shown as the text that it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgesmith.report.markup import Html, element, escape, join

_CODE = re.compile(r"`([^`\n]+)`")


def render_markdown(text: str, *, top_level: int = 2) -> Html:
    """The text as markup.

    Args:
        text: Markdown.
        top_level: Heading level that ``#`` becomes.
    """
    return join(_block(lines, top_level) for lines in _blocks(text))


def _blocks(text: str) -> Iterator[list[str]]:
    """Runs of lines that belong together: of one kind, without an empty line between."""
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        if lines and (not line.strip() or _kind(line) != _kind(lines[0]) or line.startswith("#")):
            yield lines
            lines = []
        if line.strip():
            lines.append(line)


def _kind(line: str) -> str:
    if line.startswith("#"):
        return "heading"
    return "table" if line.startswith("|") else "list" if line.startswith("- ") else "text"


def _block(lines: list[str], top_level: int) -> Html:
    kind = _kind(lines[0])
    if kind == "heading":
        words = lines[0].lstrip("#")
        level = min(6, len(lines[0]) - len(words) + top_level - 1)
        return element(f"h{level}", {}, _inline(words.strip()))
    if kind == "list":
        return element("ul", {"class": "facts-list"}, *(element("li", {}, _inline(line[2:])) for line in lines))
    if kind == "table" and len(lines) > 1:
        return _table(lines)
    return element("p", {}, _inline(" ".join(lines)))


def _table(lines: list[str]) -> Html:
    head, *rows = [_cells(line) for line in lines if not set(line) <= set("|-: ")]
    body = [element("tr", {}, *(element("td", {}, _inline(cell)) for cell in row)) for row in rows]
    top = element("tr", {}, *(element("th", {"scope": "col"}, _inline(cell)) for cell in head))
    label = ", ".join(head)
    table = element("table", {}, element("thead", {}, top), element("tbody", {}, *body))
    return element(
        "div", {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": f"Table of {label}"}, table
    )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _inline(text: str) -> Html:
    parts = _CODE.split(text)  # every second one was between backticks
    return join(element("code", {}, part) if place % 2 else escape(part) for place, part in enumerate(parts))
