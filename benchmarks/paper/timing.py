"""One group on one device: all its files in one session, each compared with the network that it stands against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgesmith.devices.base import Device
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Comparison
from paper.files import Made, costs
from paper.groups import Entry
from paper.nets import FLOAT_PLAN, SWISH_FLOAT, WHOLE


def time_entries(entries: Sequence[Entry], made: Mapping[str, Made], device: Device, *, plan: Plan) -> dict[str, Any]:
    """The session's row: latencies, and ratios with 99 % intervals.

    Args:
        entries: The networks.
        made: Their files by name, of the device's kind; float files beside int8 files are timed along.
        device: Where.
        plan: How long and how precisely.
    """
    files = {(entry.name, each): path for entry in entries for each, path in made[entry.name].paths.items()}
    found = measure([_subject(key, path, device) for key, path in files.items()], [device], plan=plan)
    fingerprint, specs = found.latency[0].fingerprint, {entry.name: entry.spec for entry in entries}
    return {
        "cpu": fingerprint.cpu,
        "runtime": f"{fingerprint.runtime} {fingerprint.version}",
        "contended": found.latency[0].contended,
        "loads": found.latency[0].loads,
        "seconds": round(sum(session.seconds for session in found.sessions.values()), 1),
        "nets": [
            {"name": name, "plan": each, **costs(specs[name]), "outside": dict(made[name].outside[each])}
            | {"ms": latency.ms, "low_ms": latency.low_ms, "high_ms": latency.high_ms}
            for (name, each), latency in zip(files, found.latency, strict=True)
        ],
        "ratios": _ratios(entries, files, found.comparisons),
        "over_float": _over_float(files, found.comparisons),
    }


def _subject(key: tuple[str, str], path: Path, device: Device) -> Subject:
    return Subject(name=_called(key), files={device.format: path})


def _called(key: tuple[str, str]) -> str:
    return " | ".join(key)


def _ratios(
    entries: Sequence[Entry], files: Mapping[tuple[str, str], Path], comparisons: Sequence[Comparison]
) -> list[dict[str, Any]]:
    """Each network over the one that it stands against, plan by plan.

    A network whose file a plan does not change takes part in that plan with its other file.
    """
    rows = []
    had = {plan for _, plan in files}
    for plan in (WHOLE, SWISH_FLOAT) if WHOLE in had else (FLOAT_PLAN,):
        if plan not in had:
            continue
        for entry in entries:
            mine, other = (_key(name, plan, files) for name in (entry.name, entry.against))
            rows.append({"name": entry.name, "against": entry.against, "plan": plan} | _ratio(mine, other, comparisons))
    return rows


def _over_float(files: Mapping[tuple[str, str], Path], comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Each int8 file over the float file of the same network, where both were there."""
    return [
        {"name": name, "plan": plan} | _ratio((name, plan), (name, FLOAT_PLAN), comparisons)
        for name, plan in files
        if plan != FLOAT_PLAN and (name, FLOAT_PLAN) in files
    ]


def _key(name: str, plan: str, files: Mapping[tuple[str, str], Path]) -> tuple[str, str]:
    return (name, plan) if (name, plan) in files else (name, WHOLE)


def _ratio(mine: tuple[str, str], other: tuple[str, str], comparisons: Sequence[Comparison]) -> dict[str, float]:
    if mine == other:
        return {"ratio": 1.0, "low": 1.0, "high": 1.0}
    a, b = _called(mine), _called(other)
    for each in comparisons:
        if (each.a, each.b) == (a, b):
            return {"ratio": each.ratio, "low": each.low, "high": each.high}
        if (each.a, each.b) == (b, a):
            return {"ratio": 1 / each.ratio, "low": 1 / each.high, "high": 1 / each.low}
    raise LookupError(f"{a} and {b} were not compared")
