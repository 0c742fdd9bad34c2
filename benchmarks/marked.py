"""The measured parts of pages: written by scripts between two marks; what stands around them is written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.core.files import write_text

END: Final = "<!-- end -->"


def begin_mark(script: str) -> str:
    """The line before a measured part, naming the script that writes it."""
    return f"<!-- begin: written by benchmarks/{script} -->"


def read_marked(path: Path, script: str) -> str:
    """What stands between a script's marks."""
    return _split(path, begin_mark(script))[1].strip("\n")


def write_marked(path: Path, script: str, text: str) -> None:
    """Replace what stands between a script's marks.

    Raises:
        UsageError: The page lacks a mark.
    """
    begin = begin_mark(script)
    before, _, after = _split(path, begin)
    write_text(path, f"{before}{begin}\n\n{text}\n\n{END}{after}")


def markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """A table."""
    return ["| " + " | ".join(row) + " |" for row in (titles, ["---"] * len(titles), *lines)]


def _split(path: Path, begin: str) -> tuple[str, str, str]:
    before, begun, rest = path.read_text(encoding="utf-8").partition(begin)
    inside, ended, after = rest.partition(END)
    if not begun or not ended:
        raise UsageError(f"{path} has no place for the tables; it needs a line {begin!r} and, below, a line {END!r}")
    return before, inside, after
