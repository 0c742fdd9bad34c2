"""The two questions that a device answers, and the plain values that it answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.config import to_dict
from edgesmith.core.errors import DeviceError
from edgesmith.devices.plan import Plan

Array = NDArray[np.generic]


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """The setting that latencies belong to: only equal settings may be compared.

    Attributes:
        device: The device as the user typed it, options included.
        runtime: Name of the library that runs the files.
        version: Its version.
        precision: Number format of the device's files, such as ``float32``.
        threads: Threads that share one run.
        options: Other settings that change speed, as ``name=value``, sorted.
        cpu: The processor's own name.
        os: Operating system and machine type.
        python: Version of the interpreter.
    """

    device: str
    runtime: str
    version: str
    precision: str
    threads: int
    options: tuple[str, ...] = ()
    cpu: str
    os: str
    python: str

    def require_same(self, other: Fingerprint) -> None:
        """Refuse to go on when the two settings differ.

        Raises:
            DeviceError: Names each field that differs, with both values.
        """
        mine, theirs = to_dict(self), to_dict(other)
        wrong = [f"{name} {mine[name]!r} and {theirs[name]!r}" for name in mine if mine[name] != theirs[name]]
        if wrong:
            raise DeviceError(f"latencies of different settings are not comparable: {', '.join(wrong)}; measure again")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One timed stretch of consecutive runs.

    Attributes:
        subject: Position of the file in what was timed.
        load: Which loading of the file, counted over the session.
        round: Which round within the loading; samples of one round are neighbours in time.
        wall_ms: Time on the wall, per run.
        cpu_ms: Time that the running thread was on a core, per run; None where it cannot be known.
        runs: Runs in the stretch.
        process_ms: Processor time of the whole process, per run, where several threads share a run; None where they do
            not, or where it cannot be known.
    """

    subject: int
    load: int
    round: int
    wall_ms: float
    cpu_ms: float | None
    runs: int
    process_ms: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """Energy of a processor's package while a file ran.

    Attributes:
        mj: Millijoules, whatever else ran on the package included.
        runs: Runs meanwhile.
        seconds: How long they took.
    """

    mj: float = 0.0
    runs: int = 0
    seconds: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(mj=self.mj + other.mj, runs=self.runs + other.runs, seconds=self.seconds + other.seconds)


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What went on around the samples.

    Attributes:
        cores: Cores that the work was pinned to, in the order of first use; empty where pinning is not possible.
        load_before: Tasks that wanted a core in the last minute, before the session.
        load_after: The same, after it.
        steal: Share of the time that the hypervisor gave to others, 0..1; None where it is not told.
        others: Share of the pinned cores' time that went to work of others, 0..1; None if not told.
        switches: Times that the running thread was put aside for another.
        governor: Frequency governor of the first core; None where it is not told.
        frequency_mhz: Frequency of the first core after the session; None where it is not told.
        temperature_c: The warmest sensor after the session; None where it is not told.
        notes: What the device wants said, such as the memory layout that it chose.
        energy: ``package`` where the processor's energy counters were read, else why not: ``absent`` or
            ``unreadable``; None if nobody looked.
        idle_w: Watts of the package in a pause before the session; None where it is not told.
    """

    cores: tuple[int, ...] = ()
    load_before: float | None = None
    load_after: float | None = None
    steal: float | None = None
    others: float | None = None
    switches: int = 0
    governor: str | None = None
    frequency_mhz: float | None = None
    temperature_c: float | None = None
    notes: tuple[str, ...] = ()
    energy: str | None = None
    idle_w: float | None = None


@dataclass(frozen=True, kw_only=True)
class Session:
    """All that a device has to tell about files that it timed together.

    Attributes:
        fingerprint: The setting.
        conditions: What went on meanwhile.
        samples: Every timed stretch, in the order taken.
        first_runs_ms: For each subject, the very first run after each loading.
        seconds: How long the session took.
        energy: For each subject what the package took while it ran; empty where that is not told.
    """

    fingerprint: Fingerprint
    conditions: Conditions
    samples: tuple[Sample, ...]
    first_runs_ms: tuple[tuple[float, ...], ...]
    seconds: float
    energy: tuple[Spent, ...] = ()

    @property
    def num_loads(self) -> int:
        """Times that each file was loaded anew."""
        return 1 + max((sample.load for sample in self.samples), default=-1)

    def followed_by(self, later: Session) -> Session:
        """This session and a later one of the same files as one; loads are counted on.

        Raises:
            DeviceError: The setting changed in between.
        """
        self.fingerprint.require_same(later.fingerprint)
        offset = self.num_loads
        moved = tuple(replace(sample, load=sample.load + offset) for sample in later.samples)
        return Session(
            fingerprint=self.fingerprint,
            conditions=_join(self, later),
            samples=self.samples + moved,
            first_runs_ms=tuple(a + b for a, b in zip(self.first_runs_ms, later.first_runs_ms, strict=True)),
            seconds=self.seconds + later.seconds,
            energy=tuple(a + b for a, b in zip(self.energy, later.energy, strict=False)),
        )


class Device(Protocol):
    """A place where files of one format can be timed and run: here, on another machine, in a browser."""

    @property
    def name(self) -> str:
        """The device as the user typed it, options included."""

    @property
    def format(self) -> str:
        """Kind of the files that it takes, such as ``onnx`` or ``onnx:int8``."""

    def fingerprint(self) -> Fingerprint:
        """The setting that its latencies belong to."""

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        """Time files side by side.

        Args:
            files: Files of this device's format; the same file may occur twice and counts as two subjects.
            plan: How often and how long.

        Raises:
            DeviceError: A file cannot be loaded or run.
        """

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        """Every output of the file for one batch, for parity and accuracy."""


def conditions_to_dict(conditions: Conditions) -> Mapping[str, Any]:
    """The conditions as plain values, without what is not known."""
    return {name: value for name, value in to_dict(conditions).items() if value not in (None, [])}


def _join(first: Session, later: Session) -> Conditions:
    a, b = first.conditions, later.conditions
    return replace(
        b,
        cores=tuple(dict.fromkeys(a.cores + b.cores)),
        load_before=a.load_before,
        steal=_weighted(a.steal, first.seconds, b.steal, later.seconds),
        others=_weighted(a.others, first.seconds, b.others, later.seconds),
        switches=a.switches + b.switches,
        notes=tuple(dict.fromkeys(a.notes + b.notes)),
        idle_w=_weighted(a.idle_w, first.seconds, b.idle_w, later.seconds),
    )


def _weighted(a: float | None, weight_a: float, b: float | None, weight_b: float) -> float | None:
    if a is None or b is None:
        return a if b is None else b
    return (a * weight_a + b * weight_b) / max(weight_a + weight_b, 1e-9)
