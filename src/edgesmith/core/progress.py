"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Stage(Protocol):
    """One piece of work with an end; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def advance(self, amount: float = 1, *, detail: str = "") -> None:
        """``amount`` more units are done; ``detail`` replaces the short text beside the bar."""


class Progress(Protocol):
    """Where stages are shown: a terminal, a web page, nowhere."""

    def stage(self, title: str, total: float | None = None, unit: str = "") -> Stage:
        """Begin a stage of ``total`` units, or of unknown length."""

    def note(self, text: str) -> None:
        """Say one line that stays."""


class _SilentStage:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def advance(self, amount: float = 1, *, detail: str = "") -> None:
        return None


class _Silent:
    def stage(self, title: str, total: float | None = None, unit: str = "") -> Stage:
        return _SilentStage()

    def note(self, text: str) -> None:
        return None


SILENT: Progress = _Silent()
