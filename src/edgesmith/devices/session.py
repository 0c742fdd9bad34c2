"""Timing several files side by side: loads, warm-up, shuffled rounds.

Memory placement differs from load to load and moves a network by a percent or so; other work on the machine comes and
goes. So every file is loaded anew several times, all files are visited in every round, in an order that is shuffled
anew, and what is left of the differences is for the statistics to tell.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

import numpy as np

from edgesmith.core.seed import generator
from edgesmith.devices.base import Conditions, Fingerprint, Sample, Session
from edgesmith.devices.clock import Clock, load_average
from edgesmith.devices.conditions import frequency_mhz, governor, temperature_c
from edgesmith.devices.cores import Cores
from edgesmith.devices.energy import EnergyLedger, PackageEnergy
from edgesmith.devices.plan import Plan

Run: TypeAlias = Callable[[], object]
Load: TypeAlias = Callable[[], Run]

_WARMUP_RUNS_ALWAYS: Final = 4
_GROUP: Final = 3
_AGREE: Final = 1.03


def time_session(
    loads: Sequence[Load],
    plan: Plan,
    *,
    fingerprint: Fingerprint,
    clock: Clock,
    cores: Cores,
    notes: Sequence[str] = (),
    energy: PackageEnergy | None = None,
) -> Session:
    """Carry out a plan.

    Args:
        loads: For each subject what loads it anew and returns its run.
        plan: How often and how long.
        fingerprint: The setting, put into the session.
        clock: Read around every timed stretch.
        cores: Pins each loading.
        notes: Put into the conditions.
        energy: Read around every visit; None takes this machine's.
    """
    rng = generator(plan.seed, "session")
    energy = energy or PackageEnergy()
    ledger, idle_w = EnergyLedger(energy, len(loads)), energy.idle_w()
    started, switches, load_before = clock.wall_s(), clock.switches(), load_average()
    samples: list[Sample] = []
    first_runs: list[list[float]] = [[] for _ in loads]
    pinned: list[int] = []
    for index in range(plan.loads):
        with cores.pinned() as chosen, _no_garbage_collection():
            pinned += chosen
            samples += _time_load(loads, plan, index=index, clock=clock, rng=rng, first_runs=first_runs, ledger=ledger)
    core = pinned[0] if pinned else 0
    conditions = Conditions(
        cores=tuple(dict.fromkeys(pinned)),
        load_before=load_before,
        load_after=load_average(),
        steal=cores.steal(),
        others=cores.others(),
        switches=clock.switches() - switches,
        governor=governor(core),
        frequency_mhz=frequency_mhz(core),
        temperature_c=temperature_c(),
        notes=tuple(notes),
        energy=energy.state,
        idle_w=idle_w,
    )
    return Session(
        fingerprint=fingerprint,
        conditions=conditions,
        samples=tuple(samples),
        first_runs_ms=tuple(tuple(runs) for runs in first_runs),
        seconds=clock.wall_s() - started,
        energy=ledger.spent(),
    )


def warm_up(run: Run, plan: Plan, clock: Clock) -> tuple[float, float]:
    """Run until the times stand still, by count and by time.

    Returns:
        Milliseconds of the very first run, and of a warm one.
    """
    started = clock.wall_s()
    first_ms, on_core_ms = _timed(run, clock)
    times = [on_core_ms]
    while not _is_warm(times, clock.wall_s() - started, plan):
        times.append(_timed(run, clock)[1])
    return first_ms, min(times[-_GROUP:])


def _time_load(
    loads: Sequence[Load],
    plan: Plan,
    *,
    index: int,
    clock: Clock,
    rng: np.random.Generator,
    first_runs: list[list[float]],
    ledger: EnergyLedger,
) -> list[Sample]:
    """Load everything once, warm up, and go through the rounds; ``first_runs`` grows by one run a subject."""
    runs = {int(subject): loads[subject]() for subject in rng.permutation(len(loads))}
    run_ms = [0.0] * len(loads)
    for subject, run in runs.items():
        first, run_ms[subject] = warm_up(run, plan, clock)
        first_runs[subject].append(first)
    samples: list[Sample] = []
    for number in range(plan.num_rounds(sum(run_ms) / len(run_ms))):
        for subject in rng.permutation(len(loads)).tolist():
            with ledger.visit(subject, runs=_runs_in_visit(plan, run_ms[subject]), wall_s=clock.wall_s):
                times = _visit(runs[subject], plan, run_ms[subject], clock)
            samples += [
                Sample(subject=subject, load=index, round=number, wall_ms=wall, cpu_ms=cpu, runs=count, process_ms=busy)
                for wall, cpu, busy, count in times
            ]
    return samples


def _runs_in_visit(plan: Plan, run_ms: float) -> int:
    return plan.settle_runs + plan.num_samples(run_ms) * plan.num_runs(run_ms)


def _visit(run: Run, plan: Plan, run_ms: float, clock: Clock) -> list[tuple[float, float | None, float | None, int]]:
    """Milliseconds a run on the wall, on the core and of the process, for each timed stretch of one visit."""
    for _ in range(plan.settle_runs):
        run()
    count = plan.num_runs(run_ms)
    times = []
    for _ in range(plan.num_samples(run_ms)):
        busy, cpu, wall = clock.process_s(), clock.cpu_s(), clock.wall_s()
        for _ in range(count):
            run()
        wall_ms = (clock.wall_s() - wall) * 1e3 / count
        cpu_ms = _per_run_ms(cpu, clock.cpu_s(), count)
        times.append((wall_ms, cpu_ms, _per_run_ms(busy, clock.process_s(), count), count))
    return times


def _per_run_ms(before: float | None, after: float | None, count: int) -> float | None:
    return None if before is None or after is None else (after - before) * 1e3 / count


def _timed(run: Run, clock: Clock) -> tuple[float, float]:
    """Wall milliseconds of one run, and those on the core where they are known."""
    cpu, wall = clock.cpu_s(), clock.wall_s()
    run()
    wall_ms = (clock.wall_s() - wall) * 1e3
    cpu_after = clock.cpu_s()
    return wall_ms, wall_ms if cpu is None or cpu_after is None else (cpu_after - cpu) * 1e3


def _is_warm(times: Sequence[float], elapsed_s: float, plan: Plan) -> bool:
    """Whether the best of the last three groups of runs agree, or the time for warming up is over."""
    if len(times) < _WARMUP_RUNS_ALWAYS:
        return False
    if elapsed_s >= plan.warmup_s:
        return True
    if len(times) < max(plan.warmup_runs, 3 * _GROUP):
        return False
    best = [min(times[start : start + _GROUP]) for start in range(len(times) - 3 * _GROUP, len(times), _GROUP)]
    return max(best) <= _AGREE * min(best)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keep the collector from running inside a timed stretch."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
