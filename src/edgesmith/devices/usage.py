"""What a run takes beside time: seconds of processor, and energy."""

from __future__ import annotations

import math
from dataclasses import replace

from edgesmith.devices.base import Session
from edgesmith.devices.statistics import Basis, load_log_ms


def processor_ms(session: Session, basis: Basis) -> list[float | None]:
    """For each subject the milliseconds that one run keeps the processor busy, the sum over its threads.

    Taken from the samples as the latency is: medians in a quiet session, low tenths in a contended one. None where no
    clock told it.
    """
    clocks = [sample.cpu_ms if sample.cpu_ms is not None else sample.process_ms for sample in session.samples]
    busy = [ms for ms in clocks if ms]
    if len(busy) < len(clocks):
        return [None] * len(session.first_runs_ms)
    samples = zip(session.samples, busy, strict=True)
    told = replace(session, samples=tuple(replace(each, wall_ms=ms, cpu_ms=ms) for each, ms in samples))
    return [math.exp(value) for value in load_log_ms(told, basis).mean(axis=0)]


def energy_mj(session: Session, subject: int) -> float | None:
    """Millijoules of the whole package in one run's time, what others do on it included; None where it is not told."""
    if not session.energy or not session.energy[subject].runs:
        return None
    spent = session.energy[subject]
    return spent.mj / spent.runs


def energy_above_idle_mj(session: Session, subject: int) -> float | None:
    """The same less what the package took in pauses before; None where it is not told."""
    whole, idle_w = energy_mj(session, subject), session.conditions.idle_w
    if whole is None or idle_w is None:
        return None
    spent = session.energy[subject]
    return whole - idle_w * 1e3 * spent.seconds / spent.runs
