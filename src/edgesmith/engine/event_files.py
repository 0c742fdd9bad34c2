"""A run's events for TensorBoard, beside ``events.jsonl``, where TensorBoard is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edgesmith.engine.log import Event

FOLDER: Final = "tensorboard"
_FLUSH_S: Final = 10


class EventFiles:
    """Listens to a `Log`. Its writer is opened at the first event, when the loader's workers have been started.

    Args:
        folder: Takes the files. Where an earlier process wrote events of later steps, TensorBoard forgets them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def __call__(self, event: Event) -> None:
        """Write one event; TensorBoard shows numbers by step."""
        step = int(event["step"])
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder), purge_step=step, flush_secs=_FLUSH_S)
        if event["kind"] == "note":
            self._writer.add_text("note", event["text"], step)
        for name, value in _numbers(event):
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Bring everything to the disk."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def event_files(folder: Path | None) -> EventFiles | None:
    """The listener of a run in a folder; None where there is no folder or no TensorBoard."""
    if folder is None or importlib.util.find_spec("tensorboard") is None:
        return None
    return EventFiles(folder / FOLDER)


def _numbers(event: Event) -> Iterator[tuple[str, float]]:
    """Names as TensorBoard groups them: ``train/loss``, ``average/top1``."""
    kind = event["kind"]
    values: Mapping[str, Any] = event["metrics"] if kind == "evaluation" else event
    group = event["weights"] if kind == "evaluation" else "train"
    skipped = ("kind", "step", "text", "of") if kind != "evaluation" else ()
    for name, value in values.items():
        if name not in skipped and isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{group}/{name}", float(value)
