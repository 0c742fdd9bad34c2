"""What people see: progress on standard error, results on standard output."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from edgesmith.core.progress_file import PROGRESS_VARIABLE, FileProgress


class TerminalStage:
    """A bar with the time left, shown while its work goes on.

    Args:
        bars: Draws all bars.
        title: What is being done.
        total: Units in all; None if that is not known.
        unit: What is counted.
    """

    def __init__(self, bars: Progress, title: str, total: float | None, unit: str) -> None:
        self._bars = bars
        self._task = bars.add_task(f"{title} ({unit})" if unit else title, total=total, detail="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.remove_task(self._task)

    def advance(self, amount: float = 1, *, detail: str = "") -> None:
        """Move the bar."""
        self._bars.update(self._task, advance=amount, detail=detail)


class Terminal:
    """Progress for a person at a terminal; a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[detail]}", style="dim"),
            console=self._console,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def stage(self, title: str, total: float | None = None, unit: str = "") -> TerminalStage:
        """Show a bar."""
        return TerminalStage(self._bars, title, total, unit)

    def note(self, text: str) -> None:
        """Print one line above the bars."""
        self._console.print(text, highlight=False, markup=False)


class _HiddenStage:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def advance(self, amount: float = 1, *, detail: str = "") -> None:
        return None


class Lines:
    """Progress where nobody watches: no bars, but the few lines that stay; a context manager."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def stage(self, title: str, total: float | None = None, unit: str = "") -> _HiddenStage:
        """Show nothing."""
        return _HiddenStage()

    def note(self, text: str) -> None:
        """Print one line."""
        print(text, file=sys.stderr, flush=True)


def watch() -> Terminal | Lines | FileProgress:
    """Progress on standard error: bars if that is a terminal, else only the lines that stay.

    A process that watches this one names a file in ``EDGESMITH_PROGRESS_FILE``, where open stages are kept.
    """
    path = os.environ.get(PROGRESS_VARIABLE)
    if path:
        return FileProgress(Path(path), Lines())
    return Terminal() if sys.stderr.isatty() else Lines()


def print_json(data: Any) -> None:
    """The only thing on standard output when ``--json`` is given."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(headers: list[str], rows: list[list[str]]) -> None:
    """Aligned columns; numbers to the right."""
    widths = [max(len(row[column]) for row in [headers, *rows]) for column in range(len(headers))]
    for row in [headers, *rows]:
        cells = (
            cell.rjust(width) if _is_number(cell) else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        )
        print("  ".join(cells).rstrip())


def fail(message: str) -> None:
    """One line on standard error."""
    print(f"edgesmith: {' '.join(message.split())}", file=sys.stderr)


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit()
