from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import UsageError
from edgesmith.core.seed import generator
from edgesmith.devices.base import Array, Fingerprint, Session
from edgesmith.devices.plan import Plan
from edgesmith.devices.steadiness import CANNOT_TELL, SLOWS_DOWN, STEADY
from edgesmith.devices.sustained import Stretch, Sustained, sustain
from tests.devices.fakes import FINGERPRINT, LOADED, QUIET, FakeClock, Noise, make_session


@dataclass
class WarmingDevice:
    """Gets slower at some moment, is disturbed from another moment on, and rests when told to."""

    hot_after_s: float = 1e9
    factor: float = 1.0
    disturbed: range = range(0)
    has_cpu: bool = True
    run_ms: float = 2.0
    name: str = "fake"
    format: str = "onnx"
    clock: FakeClock = field(default_factory=FakeClock)
    waits: float = 1.0
    busy_s: float = 0.0
    plans: list[Plan] = field(default_factory=list)

    def fingerprint(self) -> Fingerprint:
        return FINGERPRINT

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        self.plans.append(plan)
        hot = self.busy_s >= self.hot_after_s
        noise: Noise = replace(LOADED if int(self.clock.wall) in self.disturbed else QUIET, has_cpu=self.has_cpu)
        seconds = plan.loads * plan.load_s
        self.clock.work(seconds, waiting=(self.waits - 1) * seconds)
        self.busy_s += seconds
        ms = self.run_ms * (self.factor if hot else 1.0)
        session = make_session([ms], rng=generator(plan.seed, "warm"), noise=noise, loads=plan.loads, rounds=30)
        told = replace(session.conditions, frequency_mhz=2400.0 if hot else 3000.0, temperature_c=80.0)
        return replace(session, conditions=told)

    def rest(self, seconds: float) -> None:
        self.clock.work(seconds)
        self.busy_s = 0.0

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        return (images,)


def take(device: WarmingDevice, seconds: float = 300.0) -> Sustained:
    stretch = Stretch(seconds=seconds)
    return sustain("net", Path("x.onnx"), device, stretch, now_s=device.clock.wall_s, sleep=device.rest)


def test_a_machine_that_keeps_its_speed_is_steady() -> None:
    found = take(WarmingDevice())
    assert found.steadiness.verdict == STEADY
    assert not found.steadiness.throttled
    assert len(found.windows) == 30
    assert [window.at_s for window in found.windows[:3]] == pytest.approx([0.0, 10.0, 20.0])
    assert found.seconds == pytest.approx(300.0)
    assert found.windows[0].ms == pytest.approx(2.0, rel=0.03)
    assert (found.windows[0].frequency_mhz, found.windows[0].temperature_c) == (3000.0, 80.0)
    assert found.basis == "low tenth of time on the core"


def test_a_slow_down_is_found_with_its_moment_and_size() -> None:
    told = take(WarmingDevice(hot_after_s=90.0, factor=1.12)).steadiness
    assert told.verdict == SLOWS_DOWN
    assert told.slows_after_s == pytest.approx(90.0)
    assert told.low < 1.12 < told.high
    assert told.high / told.low < 1.04
    assert told.throttled


def test_other_work_is_not_called_a_slow_down() -> None:
    told = take(WarmingDevice(disturbed=range(200, 1000))).steadiness
    assert (told.verdict, told.slows_after_s, told.throttled) == (CANNOT_TELL, None, False)
    assert 10 <= told.disturbed <= 20
    between = take(WarmingDevice(disturbed=range(150, 240))).steadiness
    assert between.verdict == STEADY


def test_several_threads_are_judged_by_the_wall() -> None:
    found = take(WarmingDevice(has_cpu=False, hot_after_s=90.0, factor=1.12))
    assert found.basis == "low tenth of wall time"
    assert found.steadiness.verdict == SLOWS_DOWN


def test_the_machine_rests_before_each_file() -> None:
    device = WarmingDevice(hot_after_s=60.0, factor=1.2)
    first, second = take(device), take(device)
    assert first.pause_s == second.pause_s == 60.0
    assert device.clock.wall == pytest.approx(2 * (60.0 + 300.0))
    assert second.steadiness.slows_after_s == first.steadiness.slows_after_s


def test_a_short_stretch_has_short_windows_and_a_short_pause() -> None:
    found = take(WarmingDevice(), seconds=30.0)
    assert (found.pause_s, len(found.windows)) == (6.0, 12)
    assert all(plan.loads * plan.load_s == pytest.approx(2.5) for plan in [Stretch(seconds=30.0).plan(0)])


def test_windows_keep_their_length_where_runs_wait_for_the_core() -> None:
    begins = [window.at_s for window in take(WarmingDevice(waits=3.0)).windows]
    assert begins[:2] == pytest.approx([0.0, 30.0])
    assert np.diff(begins)[1:] == pytest.approx(10.0)


def test_every_window_is_loaded_and_fed_anew() -> None:
    device = WarmingDevice()
    take(device, seconds=120.0)
    assert len({plan.seed for plan in device.plans}) == len(device.plans) == 12


def test_the_json_holds_the_verdict_and_the_curve() -> None:
    data = json.loads(json.dumps(take(WarmingDevice()).to_dict()))
    assert list(data) == [
        "name", "device", "seconds", "pause_s", "basis", "start_ms", "end_ms", "ratio", "low", "high", "verdict",
        "slows_after_s", "throttled", "disturbed", "windows",
    ]  # fmt: skip
    assert set(data["windows"][0]) == {"at_s", "ms", "core_ms", "frequency_mhz", "temperature_c", "contended"}
    assert np.isfinite([data["low"], data["high"]]).all()


def test_less_than_half_a_minute_is_refused() -> None:
    with pytest.raises(UsageError, match="--sustained takes at least 30s, got 12s; for example 5m"):
        Stretch(seconds=12.0)
