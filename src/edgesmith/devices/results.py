"""What a measurement found, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from edgesmith.core.config import to_dict
from edgesmith.devices.base import Fingerprint, Session, conditions_to_dict
from edgesmith.devices.blocks.times import BlockTime
from edgesmith.devices.halves import compare_halves, is_steady
from edgesmith.devices.roofline.bound import Roofline
from edgesmith.devices.statistics import Contention, assess_contention, choose_basis
from edgesmith.devices.sustained import Sustained
from edgesmith.runtimes.table import RUNTIMES

ACROSS: Final = " vs "


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long one run of one model takes on one device, batch of one.

    Attributes:
        name: The subject.
        device: The device as typed.
        ms: The latency; geometric mean over loads.
        low_ms: Lower end of its 95 % interval.
        high_ms: Upper end.
        p90_ms: 90th percentile of wall time.
        first_run_ms: The run right after loading, median over loads; in no other figure.
        rounds: Rounds behind the figures.
        contended: Whether other work disturbed the session.
        loads: Times that the file was loaded anew.
        basis: Which number of a timed stretch ``ms`` is made of.
        lowest_ms: The shortest stretch.
        anchor_ratio: ``ms`` over that of the anchor in the same session; None without an anchor.
        fingerprint: The setting.
        cpu_ms: Processor time of a run, the sum over its threads, by the same part of the samples as ``ms``; None where
            it is not known.
        energy_mj: Millijoules of the whole processor package during a run; None where it is not told.
        energy_above_idle_mj: The same less what the package took in a pause before.
        roofline: What the core could do at most; None where the network or the core's limits are not known.
    """

    name: str
    device: str
    ms: float
    low_ms: float
    high_ms: float
    p90_ms: float
    first_run_ms: float
    rounds: int
    contended: bool
    loads: int
    basis: str
    lowest_ms: float
    anchor_ratio: float | None
    fingerprint: Fingerprint
    cpu_ms: float | None = None
    energy_mj: float | None = None
    energy_above_idle_mj: float | None = None
    roofline: Roofline | None = None

    def at_pace(self, pace: float) -> Latency:
        """What it would be on the machine as it is in another session.

        Args:
            pace: How many times as long another model took in that session as in this one.
        """
        times = ("ms", "low_ms", "high_ms", "p90_ms", "first_run_ms", "lowest_ms")
        return replace(self, **{name: pace * getattr(self, name) for name in times})

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the fingerprint stands once in the measurement's conditions."""
        data = to_dict(self)
        del data["fingerprint"]
        return data


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models on one device, or one model on two devices, in one session.

    Attributes:
        a: Name of the first.
        b: Name of the second.
        device: The device as typed; ``A vs B`` for two.
        ratio: Latency of ``a`` over that of ``b``.
        low: Lower end of its 99 % paired interval.
        high: Upper end.
        verdict: ``faster``, ``slower`` or ``cannot tell``, of ``a`` against ``b``.
    """

    a: str
    b: str
    device: str
    ratio: float
    low: float
    high: float
    verdict: str

    @property
    def devices(self) -> tuple[str, str]:
        """The device of ``a`` and that of ``b``."""
        first, found, second = self.device.partition(ACROSS)
        return first, second if found else first


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What `measure` found.

    Attributes:
        latency: One entry for each subject and device.
        comparisons: All pairs of subjects on the same device.
        sessions: The sessions behind them, by device, samples included.
        blocks: Every block of the subjects timed by itself, where that was asked for.
        sustained: What became of each subject that ran for minutes, where that was asked for.
    """

    latency: tuple[Latency, ...]
    comparisons: tuple[Comparison, ...]
    sessions: Mapping[str, Session]
    blocks: tuple[BlockTime, ...] = ()
    sustained: tuple[Sustained, ...] = ()

    def records(self) -> list[dict[str, Any]]:
        """Each latency with the conditions of its own session, as bundles keep them."""
        return [
            latency.to_dict() | {"conditions": _session_conditions(self.sessions[latency.device])}
            for latency in self.latency
        ]

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON of ``edgesmith measure``."""
        return {
            "conditions": _conditions(self.sessions),
            "latency": [latency.to_dict() for latency in self.latency],
            "comparisons": [to_dict(comparison) for comparison in self.comparisons],
            **({"blocks": [to_dict(block) for block in self.blocks]} if self.blocks else {}),
            **({"sustained": [each.to_dict() for each in self.sustained]} if self.sustained else {}),
        }


def ratio_across_sessions(a: Latency, b: Latency) -> float:
    """Latency of ``a`` over that of ``b``, measured at different times; without an interval, so without a verdict.

    Where both sessions timed the anchor along, each latency is taken relative to it, so that a machine that was slower
    as a whole on one of the days does not count.

    Raises:
        DeviceError: The settings differ.
    """
    a.fingerprint.require_same(b.fingerprint)
    if a.anchor_ratio is not None and b.anchor_ratio is not None:
        return a.anchor_ratio / b.anchor_ratio
    return a.ms / b.ms


def _conditions(sessions: Mapping[str, Session]) -> dict[str, Any]:
    """What the figures hold under: the machine once, the rest for each device."""
    prints = [session.fingerprint for session in sessions.values()]
    threads = {fingerprint.device: fingerprint.threads for fingerprint in prints}
    first = next(iter(sessions.values()))
    return {
        "threads": prints[0].threads if len(set(threads.values())) == 1 else threads,
        "runtimes": {fingerprint.runtime: fingerprint.version for fingerprint in prints},
        "cpu": prints[0].cpu,
        "os": prints[0].os,
        "python": prints[0].python,
        "load": first.conditions.load_before,
        "devices": {name: _session_conditions(session) for name, session in sessions.items()},
    }


def _session_conditions(session: Session) -> dict[str, Any]:
    contention = assess_contention(session)
    return {
        **to_dict(session.fingerprint),
        **_delegate(session.fingerprint.runtime),
        **conditions_to_dict(session.conditions),
        **{name: value for name, value in to_dict(contention).items() if value is not None},
        **_halves(session, contention),
        "loads": session.num_loads,
        "seconds": session.seconds,
    }


def _halves(session: Session, contention: Contention) -> dict[str, Any]:
    """The session's A/A test; nothing where it is too short for one."""
    ratio = compare_halves(session, choose_basis(session, contention))
    if ratio is None:
        return {}
    return {"aa_ratio": ratio.value, "aa_low": ratio.low, "aa_high": ratio.high, "aa_steady": is_steady(ratio)}


def _delegate(runtime: str) -> dict[str, str]:
    """What computes inside a runtime's files; nothing for devices that are no runtime."""
    return {"delegate": RUNTIMES[runtime].delegate} if runtime in RUNTIMES else {}
