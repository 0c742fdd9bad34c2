"""The latency of model files on devices, and which of them is faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np

from edgesmith.core.bootstrap import Interval
from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import derive, generator
from edgesmith.devices import statistics
from edgesmith.devices.base import Device, Session
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import ACROSS, Comparison, Latency, Measurement
from edgesmith.devices.together import Together, group_devices, part_of
from edgesmith.devices.usage import energy_above_idle_mj, energy_mj, processor_ms

_CHECK_DRAWS: Final = 400
_CLEAR: Final = 4.0
_CALL_S: Final = 1.5
_LOADS_AT_ONCE: Final = 4
DEFAULT_PLAN: Final = Plan()


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model to measure.

    Attributes:
        name: What the results call it; need not be unique.
        files: Its file of each kind, such as ``{"onnx": Path("model.onnx"), "litert:int8": ...}``.
    """

    name: str
    files: Mapping[str, Path]


def measure(
    subjects: Sequence[Subject],
    devices: Sequence[Device],
    *,
    plan: Plan = DEFAULT_PLAN,
    anchor: Subject | None = None,
    progress: Progress = SILENT,
    now_s: Callable[[], float] = time.monotonic,
) -> Measurement:
    """Time all subjects side by side on each device and compare all pairs.

    Devices of this machine with the same number of threads share one session, so each subject is compared across them
    too: such a comparison's device is ``A vs B``.

    Args:
        subjects: What to measure; the same model twice makes an A/A test.
        devices: Where.
        plan: How long and how precisely.
        anchor: A model that every session times along, so that latencies of several sessions can be set against it.
        progress: Told how far the session is.
        now_s: Clock of the time limit.

    Raises:
        UsageError: Nothing to measure.
        DeviceError: A subject has no file of the device's format, or a file cannot be run.
    """
    if not subjects or not devices:
        raise UsageError("nothing to measure: name at least one model and one device")
    timed = [*subjects, *([anchor] if anchor else [])]
    files = {device.name: _files(timed, device) for device in devices}
    names = [subject.name for subject in subjects]
    latency: list[Latency] = []
    comparisons: list[Comparison] = []
    sessions: dict[str, Session] = {}
    for group in group_devices(devices):
        session = _session_of(group, files, plan, progress=progress, now_s=now_s)
        for place, device in enumerate(group):
            part = (
                session if len(group) == 1 else part_of(session, place * len(timed), len(timed), device.fingerprint())
            )
            rng = generator(plan.seed, "bootstrap")
            found = evaluate_session(part, names, rng=rng, has_anchor=anchor is not None)
            latency += found[0]
            comparisons += found[1]
            sessions[device.name] = part
        comparisons += _across(session, names, group, len(timed), rng=generator(plan.seed, "across"))
    return Measurement(latency=tuple(latency), comparisons=tuple(comparisons), sessions=sessions)


def time_files(paths: Sequence[Path], device: Device, *, plan: Plan) -> list[float]:
    """Milliseconds of files of the device's format, in one session."""
    subjects = [Subject(name=str(number), files={device.format: path}) for number, path in enumerate(paths)]
    return [latency.ms for latency in measure(subjects, [device], plan=plan).latency]


def evaluate_session(
    session: Session, names: Sequence[str], *, rng: np.random.Generator, has_anchor: bool = False
) -> tuple[list[Latency], list[Comparison]]:
    """Latencies and verdicts from a session's samples.

    Args:
        session: The samples.
        names: Names of its subjects, the anchor's left out.
        rng: Source of the resampling.
        has_anchor: Whether the session's last subject is the anchor.
    """
    contention = statistics.assess_contention(session)
    basis = statistics.choose_basis(session, contention)
    resampled = statistics.resample(session, basis, rng=rng)
    anchor = len(names) if has_anchor else None
    cpu_ms = processor_ms(session, basis)
    latency = [
        _latency(
            session,
            index,
            resampled,
            name=name,
            basis=basis,
            contended=contention.contended,
            anchor=anchor,
            cpu_ms=cpu_ms[index],
        )
        for index, name in enumerate(names)
    ]
    pairs = combinations(range(len(names)), 2)
    return latency, [_comparison(session, resampled, names, a, b) for a, b in pairs]


def _session_of(
    group: Sequence[Device],
    files: Mapping[str, Sequence[Path]],
    plan: Plan,
    *,
    progress: Progress,
    now_s: Callable[[], float],
) -> Session:
    """One session of one device, or of several that share it and its time limit many times over."""
    if len(group) == 1:
        return _take_session(group[0], files[group[0].name], plan, progress=progress, now_s=now_s)
    together = Together(group, [len(files[device.name]) for device in group])
    longer = replace(plan, limit_s=plan.limit_s * len(group))
    return _take_session(
        together, [file for device in group for file in files[device.name]], longer, progress=progress, now_s=now_s
    )


def _across(
    session: Session, names: Sequence[str], group: Sequence[Device], count: int, *, rng: np.random.Generator
) -> list[Comparison]:
    """Each subject on every pair of devices that shared a session."""
    if len(group) == 1:
        return []
    basis = statistics.choose_basis(session, statistics.assess_contention(session))
    resampled = statistics.resample(session, basis, rng=rng)
    found = []
    for (a, first), (b, second) in combinations(enumerate(group), 2):
        for index, name in enumerate(names):
            ratio = resampled.ratio(a * count + index, b * count + index)
            found.append(_compared(name, name, f"{first.name}{ACROSS}{second.name}", ratio))
    return found


def is_precise(session: Session, plan: Plan) -> bool:
    """Whether every interval is as narrow as the plan asks.

    A ratio that is many widths away from 1 needs no narrower interval. Only widths decide, never a verdict that is
    near its limit: stopping at the first welcome verdict would make it come too often.
    """
    basis = statistics.choose_basis(session, statistics.assess_contention(session))
    rng = generator(plan.seed, "precision", session.num_loads)
    resampled = statistics.resample(session, basis, rng=rng, draws=_CHECK_DRAWS)
    count = len(session.first_runs_ms)
    for subject in range(count):
        latency = resampled.latency(subject)
        if latency.high - latency.low > 4 * plan.precision * latency.value:
            return False
    for a, b in combinations(range(count), 2):
        ratio = resampled.ratio(a, b)
        width = np.log(ratio.high / ratio.low) / 2
        if width > plan.precision and abs(np.log(ratio.value)) < _CLEAR * width:
            return False
    return True


def _latency(
    session: Session,
    index: int,
    resampled: statistics.Resampled,
    *,
    name: str,
    basis: statistics.Basis,
    contended: bool,
    anchor: int | None,
    cpu_ms: float | None,
) -> Latency:
    interval = resampled.latency(index)
    return Latency(
        name=name,
        device=session.fingerprint.device,
        ms=interval.value,
        low_ms=interval.low,
        high_ms=interval.high,
        p90_ms=statistics.percentile_90(session, index),
        first_run_ms=float(np.median(session.first_runs_ms[index])),
        rounds=sum(len(rounds) for rounds in statistics.round_values(session, index, basis)),
        contended=contended,
        loads=session.num_loads,
        basis=basis.value,
        lowest_ms=statistics.lowest(session, index),
        anchor_ratio=None if anchor is None else resampled.ratio(index, anchor).value,
        fingerprint=session.fingerprint,
        cpu_ms=cpu_ms,
        energy_mj=energy_mj(session, index),
        energy_above_idle_mj=energy_above_idle_mj(session, index),
    )


def _comparison(session: Session, resampled: statistics.Resampled, names: Sequence[str], a: int, b: int) -> Comparison:
    return _compared(names[a], names[b], session.fingerprint.device, resampled.ratio(a, b))


def _compared(a: str, b: str, device: str, ratio: Interval) -> Comparison:
    return Comparison(
        a=a,
        b=b,
        device=device,
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        verdict=statistics.verdict(ratio),
    )


def _files(subjects: Sequence[Subject], device: Device) -> list[Path]:
    files = []
    for subject in subjects:
        if device.format not in subject.files:
            has = ", ".join(sorted(subject.files)) or "none"
            raise DeviceError(
                f"{subject.name} has no {device.format} file for device {device.name} (it has: {has}); export it first"
            )
        files.append(subject.files[device.format])
    return files


def _take_session(
    device: Device | Together, files: Sequence[Path], plan: Plan, *, progress: Progress, now_s: Callable[[], float]
) -> Session:
    """Calls of `Device.time`, until the intervals are narrow enough or the time is over."""
    started = now_s()
    with progress.stage(f"measure on {device.name}", plan.limit_s, "s") as stage:
        session = device.time(files, replace(plan, seed=derive(plan.seed, 0)))
        reported = 0.0
        while _goes_on(session, plan, elapsed_s=now_s() - started):
            loads = _next_loads(session)
            later = device.time(files, replace(plan, seed=derive(plan.seed, session.num_loads), loads=loads))
            session = session.followed_by(later)
            elapsed = min(plan.limit_s, now_s() - started)
            stage.advance(elapsed - reported, detail=f"{session.num_loads} loads")
            reported = elapsed
        stage.advance(plan.limit_s - reported, detail=f"{session.num_loads} loads")
    return session


def _next_loads(session: Session) -> int:
    """Loads of the next call, so that it takes a second or two."""
    return max(1, min(_LOADS_AT_ONCE, int(_CALL_S * session.num_loads / max(session.seconds, 1e-9))))


def _goes_on(session: Session, plan: Plan, *, elapsed_s: float) -> bool:
    if session.num_loads < plan.min_loads:
        return True
    if session.num_loads >= plan.max_loads or elapsed_s >= plan.limit_s:
        return False
    return session.num_loads < plan.enough_loads or not is_precise(session, plan)
