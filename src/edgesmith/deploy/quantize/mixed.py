"""Which parts of a network should be int8 on one device: found by measuring, not by a rule.

First the kinds of operators: a kind that the runtime has no fast integer kernel for costs more in int8 than in float.
Then each part on its own: what does the error fall by, and the time grow by, if it alone stays in float? Then the parts
together: those that are faster in float, then those that give back most accuracy for their time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from edgesmith.core.errors import ExportError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.quantize.base import Kind, QuantPlan
from edgesmith.deploy.quantize.table import get_quantizer
from edgesmith.deploy.quantize.write import Opened

_WORTH: Final = 0.98  # a kind is left in float if that takes two per cent off the time
_MUCH_FASTER: Final = 0.95  # a part that is faster in float; single parts are small, so that less may be chance
_FASTER: Final = 0.97  # of the float file's time, to be called faster
_TIMED_TOGETHER: Final = 6

Measure = Callable[[Sequence[Path]], Sequence[float]]
Error = Callable[[Path], float]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A plan that was tried.

    Attributes:
        plan: What stayed in float.
        file: The file.
        ms: Its latency on the device.
        error: Its error on the pictures that plans are chosen on; less is better.
    """

    plan: QuantPlan
    file: ExportedFile
    ms: float
    error: float


@dataclass(frozen=True, kw_only=True)
class Search:
    """All that was tried, and what was chosen.

    Attributes:
        chosen: The best plan; None where no int8 file is faster than the float file.
        trials: Every plan in the order tried, all in int8 first.
        float_ms: The float file's latency.
        float_error: Its error.
        reasons: Why it was chosen, a line each.
    """

    chosen: Trial | None
    trials: tuple[Trial, ...]
    float_ms: float
    float_error: float
    reasons: tuple[str, ...]


def find_plan(
    opened: Opened,
    parts: Sequence[str],
    float_file: Path,
    *,
    measure: Measure,
    error: Error,
    folder: Path,
    base: QuantPlan,
    allowed: float,
    max_ms: float | None = None,
    search_kinds: bool = True,
    progress: Progress = SILENT,
) -> Search:
    """Search for the plan that keeps most accuracy per millisecond.

    Args:
        opened: The network.
        parts: Parts that may stay in float, such as each block and the head.
        float_file: The float file of the same format.
        measure: Milliseconds of files that are timed side by side.
        error: A file's error on pictures that the plan is not judged on later.
        folder: For the files of the trials.
        base: What every plan begins with.
        allowed: How much more error than the float file's is as good as none.
        max_ms: Plans that take longer are not chosen; None knows no limit but the float file's time.
        search_kinds: Whether kinds of operators may stay in float.
        progress: Told of each trial.
    """
    trying = _Trying(opened, float_file, measure=measure, error=error, folder=folder)
    known = get_quantizer(opened.format).kinds if search_kinds else ()
    kinds = tuple(kind for kind in known if kind not in opened.absent)
    with progress.stage("int8 plans", 1 + len(kinds) + len(parts), "plans") as stage:
        alone = trying.all([base, *(replace(base, float_kinds=(kind,)) for kind in kinds)], told=stage.advance)
        plan, reasons = _keep_kinds(alone, base)
        if plan.float_kinds != base.float_kinds and len(plan.float_kinds) > 1:
            alone += trying.all([plan])
        start = min(alone, key=lambda trial: trial.ms)
        plan = start.plan
        singles = trying.all([replace(plan, float_parts=(part,)) for part in parts], told=stage.advance)
    order = sorted(singles, key=lambda trial: -_return(trial, start))
    helpful = [trial for trial in order if trial.error < start.error or _saves_time(trial, start)]
    sums = [
        replace(plan, float_parts=tuple(part for trial in helpful[:count] for part in trial.plan.float_parts))
        for count in range(2, len(helpful) + 1)
    ]
    together = trying.until(sums, enough=lambda trial: trial.error <= trying.float_error + allowed)
    trials = [*alone, *singles, *together]
    limit_ms = min(_FASTER * trying.float_ms, math.inf if max_ms is None else max_ms)
    chosen = _choose(trials, limit_ms, trying.float_error + allowed)
    return Search(
        chosen=chosen,
        trials=tuple(trials),
        float_ms=trying.float_ms,
        float_error=trying.float_error,
        reasons=(*reasons, *_explain(chosen, alone[0], trying.float_ms, trying.float_error, max_ms)),
    )


class _Trying:
    """Writes, scores and times the files of plans, always beside the float file."""

    def __init__(self, opened: Opened, float_file: Path, *, measure: Measure, error: Error, folder: Path) -> None:
        self._opened = opened
        self._float_file = float_file
        self._measure = measure
        self._error = error
        self._folder = folder
        self._count = 0
        self._float_times: list[float] = []
        self.float_error = error(float_file)

    @property
    def float_ms(self) -> float:
        """The float file's latency, over all sessions so far."""
        return sum(self._float_times) / len(self._float_times)

    def all(self, plans: Sequence[QuantPlan], *, told: Callable[[], None] = lambda: None) -> list[Trial]:
        """Try plans; those that the tool cannot carry out are left out.

        Times are set against the float file's of the same session, so that sessions can be compared.
        """
        files: list[tuple[QuantPlan, ExportedFile]] = []
        for plan in plans:
            path = self._folder / f"plan-{self._count}{self._float_file.suffix}"
            self._count += 1
            with suppress(ExportError):  # a plan that the tool cannot carry out is none
                files.append((plan, self._opened.write(path, plan)))
            told()
        trials: list[Trial] = []
        for start in range(0, len(files), _TIMED_TOGETHER):
            group = files[start : start + _TIMED_TOGETHER]
            float_ms, *times = self._measure([self._float_file, *(file.path for _, file in group)])
            self._float_times.append(float_ms)
            scale = self.float_ms / float_ms
            trials += [
                Trial(plan=plan, file=file, ms=ms * scale, error=self._error(file.path))
                for (plan, file), ms in zip(group, times, strict=True)
            ]
        return trials

    def until(self, plans: Sequence[QuantPlan], *, enough: Callable[[Trial], bool]) -> list[Trial]:
        """Try plans one after another, up to the first that is good enough."""
        trials: list[Trial] = []
        for plan in plans:
            trials += self.all([plan])
            if trials and enough(trials[-1]):
                break
        return trials


def _keep_kinds(alone: Sequence[Trial], base: QuantPlan) -> tuple[QuantPlan, list[str]]:
    """The kinds that are faster in float, each on its own."""
    whole, *others = alone
    faster = [trial for trial in others if trial.ms < _WORTH * whole.ms]
    kinds: tuple[Kind, ...] = tuple(kind for trial in faster for kind in trial.plan.float_kinds)
    reasons = [
        f"{trial.plan.float_kinds[0]} stays in float: {trial.ms:.2f} ms instead of {whole.ms:.2f} ms"
        + _outside(whole.file.outside)
        for trial in faster
    ]
    return replace(base, float_kinds=kinds), reasons


def _outside(outside: Mapping[str, int]) -> str:
    if not outside:
        return ""
    return f" (in int8 the fast kernels leave {', '.join(f'{count} {name}' for name, count in outside.items())} over)"


def _saves_time(trial: Trial, start: Trial) -> bool:
    return trial.ms < _MUCH_FASTER * start.ms


def _return(trial: Trial, start: Trial) -> float:
    """Error that a part in float gives back for each millisecond that it costs; one that saves time comes first."""
    if _saves_time(trial, start):
        return math.inf
    return (start.error - trial.error) / max(trial.ms - start.ms, 0.005 * start.ms)


def _choose(trials: Sequence[Trial], limit_ms: float, allowed: float) -> Trial | None:
    """The fastest of those that are accurate enough, else the most accurate; always faster than float."""
    fast = [trial for trial in trials if trial.ms < limit_ms]
    if not fast:
        return None
    good = [trial for trial in fast if trial.error <= allowed]
    return min(good, key=lambda trial: trial.ms) if good else min(fast, key=lambda trial: trial.error)


def _explain(
    chosen: Trial | None, whole: Trial, float_ms: float, float_error: float, max_ms: float | None
) -> list[str]:
    fastest = f"all int8 takes {whole.ms:.2f} ms"
    if chosen is None and max_ms is not None and max_ms < _FASTER * float_ms:
        return [f"no int8 plan takes less than {max_ms:.2f} ms ({fastest})"]
    if chosen is None:
        return [f"no int8 plan is faster than the float file's {float_ms:.2f} ms ({fastest}): int8 does not pay here"]
    return [
        f"chosen: {chosen.plan.describe()}; {chosen.ms:.2f} ms where float takes {float_ms:.2f} ms and all int8 "
        f"{whole.ms:.2f} ms; error {chosen.error:.3f} where float has {float_error:.3f} and all int8 {whole.error:.3f}"
    ]
