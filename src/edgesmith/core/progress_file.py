"""Progress kept in a small file, so that another process can show it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from edgesmith.core.progress import Progress, Stage

PROGRESS_VARIABLE: Final = "EDGESMITH_PROGRESS_FILE"
_PAUSE_S: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class StageSight:
    """One stage as it was last seen.

    Attributes:
        done: Units; ``total`` is None where nobody knows how many there are.
        seconds: Since it began.
    """

    title: str
    unit: str
    done: float
    total: float | None
    seconds: float
    detail: str

    @property
    def left_s(self) -> float | None:
        """Seconds to its end at the pace so far; None where that cannot be told."""
        if not self.total or not self.done or self.seconds <= 0:
            return None
        return max(0.0, (self.total - self.done) * self.seconds / self.done)


class FileProgress:
    """Passes everything on, and writes the open stages into a file, twice a second at most; a context manager.

    A file that cannot be written stops no work.

    Args:
        path: Replaced at each writing.
        inner: Told of everything too.
        clock: Seconds.
    """

    def __init__(self, path: Path, inner: Progress, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._inner, self._clock = path, inner, clock
        self._open: list[_FileStage] = []
        self._written_at = -_PAUSE_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.clear()
        self.tell(now=True)

    def stage(self, title: str, total: float | None = None, unit: str = "") -> Stage:
        """Begin a stage."""
        return _FileStage(self, self._inner.stage(title, total, unit), title, total, unit, self._clock)

    def note(self, text: str) -> None:
        """Pass on one line."""
        self._inner.note(text)

    def enter(self, stage: _FileStage) -> None:
        """A stage is open."""
        self._open.append(stage)
        self.tell(now=True)

    def leave(self, stage: _FileStage) -> None:
        """It is done."""
        self._open.remove(stage)
        self.tell(now=True)

    def tell(self, *, now: bool = False) -> None:
        """Write what is open."""
        at = self._clock()
        if not now and at - self._written_at < _PAUSE_S:
            return
        self._written_at = at
        temporary = self._path.with_name(f".{self._path.name}.partial")
        with suppress(OSError):
            temporary.write_text(json.dumps([stage.sight() for stage in self._open]), encoding="utf-8")
            temporary.replace(self._path)


class _FileStage:
    def __init__(
        self,
        owner: FileProgress,
        inner: Stage,
        title: str,
        total: float | None,
        unit: str,
        clock: Callable[[], float],
    ) -> None:
        self._owner, self._inner, self._clock = owner, inner, clock
        self._title, self._total, self._unit = title, total, unit
        self._done, self._detail, self._begun = 0.0, "", clock()

    def __enter__(self) -> Self:
        self._begun = self._clock()
        self._inner.__enter__()
        self._owner.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owner.leave(self)
        self._inner.__exit__(kind, value, trace)

    def advance(self, amount: float = 1, *, detail: str = "") -> None:
        """Count on."""
        self._done += amount
        self._detail = detail
        self._inner.advance(amount, detail=detail)
        self._owner.tell()

    def sight(self) -> dict[str, Any]:
        """What the file says of it."""
        return {
            "title": self._title,
            "unit": self._unit,
            "done": self._done,
            "total": self._total,
            "seconds": self._clock() - self._begun,
            "detail": self._detail,
        }


def read_progress(path: Path) -> list[StageSight]:
    """The stages that were open, the outermost first; none where the file is missing or torn."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [_sight(row) for row in rows]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []


def _sight(row: Mapping[str, Any]) -> StageSight:
    return StageSight(
        title=str(row["title"]),
        unit=str(row["unit"]),
        done=float(row["done"]),
        total=None if row["total"] is None else float(row["total"]),
        seconds=float(row["seconds"]),
        detail=str(row["detail"]),
    )
