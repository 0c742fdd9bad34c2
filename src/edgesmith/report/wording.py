"""Figures and sentences of a report, the same on the page and on the terminal."""

from __future__ import annotations

from collections import Counter

from edgesmith.core.units import format_bytes, format_duration
from edgesmith.report.content import Accuracy, Budget, FitReport, Latency, Outcome, StageTime
from edgesmith.report.markup import clean

_DROPPED = (Outcome.TOO_COSTLY, Outcome.TOO_SLOW, Outcome.LEFT_OUT)


def format_ms(ms: float, *, like: float | None = None) -> str:
    """Milliseconds without the unit, with as many decimals as about three figures of ``like`` need."""
    size = abs(ms if like is None else like)
    decimals = 3 if size < 0.5 else 2 if size < 10 else 1 if size < 100 else 0
    return f"{ms:.{decimals}f}"


def format_share(share: float) -> str:
    """A share as per cent without the sign, one decimal."""
    return f"{100 * share:.1f}"


def format_count(count: float) -> str:
    """``1,234`` up to a hundred thousand, then ``2.54 M``."""
    if count < 1e5:
        return f"{count:,.0f}"
    return f"{count / 1e6:.3g} M" if count < 1e9 else f"{count / 1e9:.3g} G"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 picture``, ``2 pictures``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def latency_interval(latency: Latency) -> str:
    """``1.00 to 1.05``, without the unit."""
    return f"{format_ms(latency.low_ms, like=latency.ms)} to {format_ms(latency.high_ms, like=latency.ms)}"


def accuracy_interval(accuracy: Accuracy) -> str:
    """``81.0 to 88.0 %``."""
    return f"{format_share(accuracy.low)} to {format_share(accuracy.high)} %"


def where(latency: Latency) -> str:
    """``onnxruntime, 1 thread``."""
    return f"{latency.device}, {plural(latency.threads, 'thread')}"


def broken_limits(report: FitReport) -> tuple[str, ...]:
    """One line for each limit that the result does not keep; none if the budget is met.

    A latency is within its limit only if the upper end of its interval is.
    """
    limits = report.budget
    lines = []
    if limits.latency_ms is not None and report.latency.high_ms > limits.latency_ms:
        high = format_ms(report.latency.high_ms, like=report.latency.ms)
        lines.append(f"the latency's upper end is {high} ms, the limit {limits.latency_ms:g} ms")
    if limits.size_bytes is not None and report.model.file_size_bytes > limits.size_bytes:
        lines.append(
            f"the file has {format_bytes(report.model.file_size_bytes)}, the limit {format_bytes(limits.size_bytes)}"
        )
    if limits.memory_bytes is not None and not _keeps_memory(report.model.memory_bytes, limits.memory_bytes):
        used = report.model.memory_bytes
        need = "its memory was not measured" if used is None else f"it needs {format_bytes(used)} of memory"
        lines.append(f"{need}, the limit {format_bytes(limits.memory_bytes)}")
    return tuple(lines)


def _keeps_memory(used: int | None, limit: int) -> bool:
    """What was not measured is not within a limit."""
    return used is not None and used <= limit


def budget_words(budget: Budget) -> str:
    """``1.5 ms, 2 MB``, or ``no limit``."""
    limits = (
        f"{budget.latency_ms:g} ms" if budget.latency_ms is not None else "",
        f"{format_bytes(budget.size_bytes)} of file" if budget.size_bytes is not None else "",
        f"{format_bytes(budget.memory_bytes)} of memory" if budget.memory_bytes is not None else "",
    )
    return ", ".join(limit for limit in limits if limit) or "no limit"


def verdict(report: FitReport) -> str:
    """The main sentence: is the budget met, where, and by what figure."""
    latency = report.latency
    figure = f"{format_ms(latency.ms)} ms ({latency_interval(latency)})"
    verb = "misses" if broken_limits(report) else "meets"
    return f"{verb} {budget_words(report.budget)} on {where(latency)}: {figure}"


def accuracy_words(accuracy: Accuracy) -> str:
    """``84.5 % top-1 (81.0 to 88.0 %) on 400 pictures of val``."""
    figure = f"{format_share(accuracy.value)} % {accuracy.metric} ({accuracy_interval(accuracy)})"
    return f"{figure} on {plural(accuracy.num_images, 'picture')} of {accuracy.pictures_from}"


def fate_of_candidates(report: FitReport) -> str:
    """``9 tried: 6 raced, 3 dropped before training``, or what NetAdapt tried and took."""
    if report.proposals:
        accepted = sum(row.accepted for row in report.proposals)
        steps = len({row.step for row in report.proposals})
        return f"{plural(len(report.proposals), 'proposal')} in {plural(steps, 'step')}, {accepted} accepted"
    counts = Counter(candidate.outcome for candidate in report.candidates)
    dropped = sum(counts[outcome] for outcome in _DROPPED)
    failed = counts[Outcome.FAILED]
    parts = [f"{len(report.candidates) - dropped - failed} raced"]
    parts += [f"{dropped} dropped before training"] if dropped else []
    parts += [f"{failed} failed"] if failed else []
    return f"{len(report.candidates)} tried: {', '.join(parts)}"


def total_times(report: FitReport) -> StageTime:
    """All stages together."""
    stages = report.stages
    summed = sum(stage.forecast_s for stage in stages)
    return StageTime(
        name="Together",
        forecast_s=summed if report.forecast_s is None else report.forecast_s,
        actual_s=sum(stage.actual_s for stage in stages),
    )


def summary_lines(report: FitReport) -> list[str]:
    """The result for a terminal, one line for each thing worth saying."""
    total = total_times(report)
    lines = [f"{report.model.name} {verdict(report)}"]
    lines += [f"not met: {line}" for line in broken_limits(report)]
    lines += ["the machine was busy while the latency was measured"] if report.conditions.contended else []
    lines += [
        f"accuracy: {accuracy_words(report.accuracy)}",
        f"file: {report.model.file_path} ({format_bytes(report.model.file_size_bytes)})",
        f"candidates: {fate_of_candidates(report)}",
    ]
    if report.problems:
        lines.append(f"data: {plural(len(report.problems), 'problem')}, the first {report.problems[0].file}")
    if report.stages:
        lines.append(f"time: {format_duration(total.actual_s)} (forecast {format_duration(total.forecast_s)})")
    lines += [f"next: {step.text}" for step in report.next_steps[:1]]
    return [" ".join(clean(line).split()) for line in lines]
