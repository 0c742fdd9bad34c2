"""Run folders: begun once, gone on with after a kill, never overwritten unasked, and readable by anyone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgesmith.core.config import flat
from edgesmith.core.errors import RunError
from edgesmith.core.files import read_json, write_json

RUN_NAME: Final = "run.json"
RESULT_NAME: Final = "result.json"
BUNDLE_NAME: Final = "bundle"


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """One run's folder.

    Attributes:
        path: Where it lies.
        resumed: Whether an earlier process began it.
    """

    path: Path
    resumed: bool

    def finish(self, result: Mapping[str, Any]) -> None:
        """Mark the run as done: from now on the folder is refused without leave to overwrite."""
        write_json(self.path / RESULT_NAME, dict(result))


def open_run(
    path: Path, settings: Mapping[str, Any], *, overwrite: bool = False, free: Collection[str] = ()
) -> RunFolder:
    """Begin a run, or go on with the same one.

    Args:
        path: The folder; made if it is not there.
        settings: All that decides the result, as JSON values; a folder begun with others is refused.
        overwrite: Throw away what an earlier run left there.
        free: Settings that may be others than they were, by their path, such as ``config.workers``.

    Raises:
        RunError: The folder is finished, is of another run, or is no run folder.
    """
    known = dict(settings)
    if overwrite and path.exists():
        if any(path.iterdir()) and not (path / RUN_NAME).is_file():
            raise RunError(f"{path} is not a run folder, so --overwrite leaves it alone; choose another --out")
        shutil.rmtree(path)
    if not path.exists() or not any(path.iterdir()):
        write_json(path / RUN_NAME, known)
        return RunFolder(path=path, resumed=False)
    if not (path / RUN_NAME).is_file():
        raise RunError(f"{path} holds something that is not a run; choose another --out")
    earlier = read_json(path / RUN_NAME)
    _require_same(path, earlier, known, free)
    if (path / RESULT_NAME).is_file():
        raise RunError(f"{path} is finished; add --overwrite to do it again, or choose another --out")
    if earlier != known:
        write_json(path / RUN_NAME, known)
    return RunFolder(path=path, resumed=True)


def _require_same(path: Path, earlier: Mapping[str, Any], now: Mapping[str, Any], free: Collection[str]) -> None:
    earlier, now = flat(earlier), flat(now)
    wrong = [key for key in sorted({*earlier, *now} - {*free}) if earlier.get(key) != now.get(key)]
    if wrong:
        differences = ", ".join(f"{key} {earlier.get(key)!r}, now {now.get(key)!r}" for key in wrong)
        raise RunError(f"{path} was begun with other settings ({differences}); choose another --out or --overwrite")


class Stages:
    """Results of a run's finished stages: a run that is started again reads them instead of doing them again.

    Args:
        folder: Takes one JSON file a stage.
        clock: Seconds.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._times: dict[str, tuple[float, float]] = {}

    def run(self, name: str, work: Callable[[], Any], *, forecast_s: float = 0.0) -> Any:
        """The stage's result, as JSON values.

        Args:
            name: Of the stage, used as a file name.
            work: Does it; called only where no earlier process finished it.
            forecast_s: What it is thought to take.
        """
        path = self._folder / f"{name}.json"
        if not path.is_file():
            begun = self._clock()
            result = work()
            seconds = self._clock() - begun
            write_json(path, {"result": result, "seconds": seconds, "forecast_s": forecast_s})
        kept = read_json(path)
        self._times[name] = (kept["forecast_s"], kept["seconds"])
        return kept["result"]

    def note(self, name: str, forecast_s: float, actual_s: float) -> None:
        """Remember the time of a stage that keeps its own state."""
        self._times[name] = (forecast_s, actual_s)

    def times(self, prefix: str = "") -> tuple[float, float]:
        """Forecast and actual seconds of all stages whose name begins with ``prefix``."""
        chosen = [times for name, times in self._times.items() if name.startswith(prefix)]
        return sum(forecast for forecast, _ in chosen), sum(actual for _, actual in chosen)
