"""Progress for tests of what a run says."""

from __future__ import annotations

from edgesmith.core.progress import SILENT, Stage


class Notes:
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, title: str, total: float | None = None, unit: str = "") -> Stage:
        return SILENT.stage(title, total, unit)

    def note(self, text: str) -> None:
        self.lines.append(text)
