"""A file that runs for minutes without a pause: does the machine keep its speed when it is warm?"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgesmith.core.config import to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import derive, generator
from edgesmith.core.units import format_duration
from edgesmith.devices.base import Device, Session
from edgesmith.devices.plan import Plan
from edgesmith.devices.statistics import Basis, assess_contention, load_log_ms
from edgesmith.devices.steadiness import Steadiness, Window, judge

LEAST_S: Final = 30.0
_WINDOW_S: Final = 10.0
_WINDOWS: Final = 12
_LEAST_WINDOWS: Final = 4
_SLOWEST_PACE: Final = 0.1
_LOADS: Final = 4
_LONGEST_PAUSE_S: Final = 60.0
_PAUSE_SHARE: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """How long a file runs on end, and how long the machine rests before.

    Attributes:
        seconds: At least 30.
        seed: Of the input, and of the judgement.
    """

    seconds: float
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seconds < LEAST_S:
            raise UsageError(f"--sustained takes at least {LEAST_S:g}s, got {self.seconds:g}s; for example 5m")

    @property
    def pause_s(self) -> float:
        """A fifth of the stretch, but no more than a minute."""
        return min(_LONGEST_PAUSE_S, _PAUSE_SHARE * self.seconds)

    @property
    def window_s(self) -> float:
        """Ten seconds, or less so that there are twelve windows."""
        return min(_WINDOW_S, self.seconds / _WINDOWS)

    def plan(self, number: int, pace: float = 1.0) -> Plan:
        """One window: four loadings, so that where one of them lies in memory does not pass for a change.

        Args:
            number: Which window.
            pace: Below 1 where other work makes windows longer than they should be.
        """
        load_s = self.window_s / _LOADS * pace
        return Plan(
            loads=_LOADS,
            load_s=load_s,
            min_rounds=2,
            max_rounds=max(2, int(load_s * 1e3)),
            sample_ms=1.0,
            warmup_runs=4,
            warmup_s=0.05,
            seed=derive(self.seed, "sustained", number),
        )


@dataclass(frozen=True, kw_only=True)
class Sustained:
    """What became of one file.

    Attributes:
        name: The model.
        device: The device as typed.
        seconds: How long it ran.
        pause_s: How long the machine rested before.
        basis: Which number of a timed stretch was judged.
        steadiness: The end against the start.
        windows: The curve.
    """

    name: str
    device: str
    seconds: float
    pause_s: float
    basis: str
    steadiness: Steadiness
    windows: tuple[Window, ...]

    def to_dict(self) -> dict[str, Any]:
        """One entry of ``sustained`` in the documented JSON of ``edgesmith measure``."""
        data = to_dict(self)
        return {**{key: data[key] for key in data if key not in ("steadiness", "windows")}, **data["steadiness"]} | {
            "windows": data["windows"]
        }


def sustain(
    name: str,
    file: Path,
    device: Device,
    stretch: Stretch,
    *,
    progress: Progress = SILENT,
    now_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Sustained:
    """Rest, then run a file without a pause but for the loadings, window after window.

    Args:
        name: What the result calls it.
        file: Its file of the device's format.
        device: Where.
        stretch: How long.
        progress: Told of each window.
        now_s: Seconds that only grow.
        sleep: Waits.
    """
    with progress.stage(f"rest for {format_duration(stretch.pause_s)}"):
        sleep(stretch.pause_s)
    windows: list[Window] = []
    basis = Basis.CORE
    begun, pace = now_s(), 1.0
    with progress.stage(f"run {name} on {device.name}", stretch.seconds, "s") as stage:
        while (at_s := now_s() - begun) < stretch.seconds or len(windows) < _LEAST_WINDOWS:
            session = device.time([file], stretch.plan(len(windows), pace))
            basis = Basis.LOW_WALL if any(sample.cpu_ms is None for sample in session.samples) else basis
            windows.append(_window(session, at_s, basis))
            took_s = now_s() - begun - at_s
            pace = min(1.0, max(_SLOWEST_PACE, pace * stretch.window_s / took_s))
            stage.advance(took_s, detail=f"{windows[-1].ms:.3f} ms")
    return Sustained(
        name=name,
        device=device.name,
        seconds=now_s() - begun,
        pause_s=stretch.pause_s,
        basis=basis.value,
        steadiness=judge(windows, on_core=basis is Basis.CORE, rng=generator(stretch.seed, "steadiness")),
        windows=tuple(windows),
    )


def _window(session: Session, at_s: float, basis: Basis) -> Window:
    return Window(
        at_s=at_s,
        ms=_milliseconds(session, Basis.WALL),
        core_ms=_milliseconds(session, basis),
        frequency_mhz=session.conditions.frequency_mhz,
        temperature_c=session.conditions.temperature_c,
        contended=assess_contention(session).contended,
    )


def _milliseconds(session: Session, basis: Basis) -> float:
    return math.exp(float(load_log_ms(session, basis).mean()))
