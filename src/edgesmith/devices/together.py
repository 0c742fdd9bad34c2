"""Several devices of this machine in one session: their files take turns, so that devices compare as files do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeGuard, runtime_checkable

from edgesmith.devices.base import Device, Fingerprint, Session
from edgesmith.devices.clock import Clock
from edgesmith.devices.cores import Cores
from edgesmith.devices.plan import Plan
from edgesmith.devices.session import Load, time_session


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a device has ready for a session.

    Attributes:
        loads: For each file what loads it anew and returns its run.
        notes: What it wants said, such as the memory layout that it chose.
    """

    loads: Sequence[Load]
    notes: Sequence[str] = ()


@runtime_checkable
class LocalRuns(Protocol):
    """A device of this machine that hands out its runs."""

    threads: int
    clock: Clock

    def prepared(self, files: Sequence[Path], seed: int) -> AbstractContextManager[Prepared]:
        """The loads of some files, with whatever must hold while they run."""


class Together:
    """Some devices of this machine as one, for sessions alone.

    Args:
        devices: With the same number of threads; each hands out its runs.
        counts: Files of each device, in the order in which `time` gets them.
    """

    def __init__(self, devices: Sequence[Device], counts: Sequence[int]) -> None:
        self.devices = tuple(devices)
        self.name = ",".join(device.name for device in devices)
        self._counts = tuple(counts)

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        """Time all files of all devices side by side."""
        locals_ = [device for device in self.devices if runs_here(device)]
        with ExitStack() as stack:
            first = locals_[0]
            cores = Cores(first.threads)
            prepared, start = [], 0
            with cores.pinned():
                for device, count in zip(locals_, self._counts, strict=True):
                    prepared.append(stack.enter_context(device.prepared(files[start : start + count], plan.seed)))
                    start += count
            return time_session(
                [load for each in prepared for load in each.loads],
                plan,
                fingerprint=_joined([device.fingerprint() for device in self.devices]),
                clock=first.clock,
                cores=cores,
                notes=[note for each in prepared for note in each.notes],
            )


def runs_here(device: object) -> TypeGuard[LocalRuns]:
    """Whether a device can share a session with others."""
    return isinstance(device, LocalRuns)


def group_devices(devices: Sequence[Device]) -> list[list[Device]]:
    """Devices that can share a session, in one group for each number of threads; every other device on its own."""
    groups: dict[object, list[Device]] = {}
    for index, device in enumerate(devices):
        groups.setdefault(device.threads if runs_here(device) else f"alone {index}", []).append(device)
    return list(groups.values())


def part_of(session: Session, first: int, count: int, fingerprint: Fingerprint) -> Session:
    """The subjects ``first`` to ``first + count`` of a shared session, as a session of their own device."""
    chosen = range(first, first + count)
    return replace(
        session,
        fingerprint=fingerprint,
        samples=tuple(
            replace(sample, subject=sample.subject - first) for sample in session.samples if sample.subject in chosen
        ),
        first_runs_ms=session.first_runs_ms[first : first + count],
        energy=session.energy[first : first + count],
    )


def _joined(fingerprints: Sequence[Fingerprint]) -> Fingerprint:
    """One setting for a session of several: what differs is listed."""

    def joined(values: Iterable[str]) -> str:
        return ",".join(dict.fromkeys(values))

    return replace(
        fingerprints[0],
        device=joined(each.device for each in fingerprints),
        runtime=joined(each.runtime for each in fingerprints),
        version=joined(each.version for each in fingerprints),
        precision=joined(each.precision for each in fingerprints),
        options=tuple(sorted({option for each in fingerprints for option in each.options})),
    )
