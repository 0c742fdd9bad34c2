from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import ratio_across_sessions
from tests.devices.fakes import FINGERPRINT, LOADED, QUIET, FakeDevice

PLAN = Plan(limit_s=100.0)


def subject(ms: float) -> Subject:
    return Subject(name=f"net of {ms} ms", files={"onnx": Path(f"{ms}.onnx")})


def counting(step: float) -> Callable[[], float]:
    """A clock that goes on by ``step`` seconds at each look."""
    now = [0.0]

    def look() -> float:
        now[0] += step
        return now[0]

    return look


@pytest.mark.parametrize("noise", [QUIET, LOADED], ids=["quiet", "loaded"])
def test_the_same_file_twice_ends_in_cannot_tell(noise: object) -> None:
    device = FakeDevice(noise=LOADED if noise is LOADED else QUIET)
    verdicts = [
        measure([subject(2.0), subject(2.0)], [device], plan=replace(PLAN, seed=seed, max_loads=12))
        .comparisons[0]
        .verdict
        for seed in range(20)
    ]
    assert verdicts.count("cannot tell") >= 19


def test_all_pairs_are_compared() -> None:
    found = measure([subject(2.0), subject(1.0), subject(2.0)], [FakeDevice()], plan=PLAN)
    assert [(pair.a, pair.b, pair.verdict) for pair in found.comparisons] == [
        ("net of 2.0 ms", "net of 1.0 ms", "slower"),
        ("net of 2.0 ms", "net of 2.0 ms", "cannot tell"),
        ("net of 1.0 ms", "net of 2.0 ms", "faster"),
    ]
    assert found.comparisons[0].ratio == pytest.approx(found.latency[0].ms / found.latency[1].ms)
    assert found.latency[0].ms == pytest.approx(2.0, rel=0.02)
    assert found.latency[0].first_run_ms == pytest.approx(20.0)


def test_case_l4_the_json_holds_what_the_figures_depend_on() -> None:
    data = json.loads(json.dumps(measure([subject(2.0), subject(1.0)], [FakeDevice()], plan=PLAN).to_dict()))
    assert list(data) == ["conditions", "latency", "comparisons"]
    assert {"threads", "runtimes", "cpu", "os", "python", "load", "devices"} <= set(data["conditions"])
    assert data["conditions"]["threads"] == 1
    assert data["conditions"]["runtimes"] == {"none": "1"}
    assert {"precision", "options", "waiting", "spread", "loads", "seconds"} <= set(
        data["conditions"]["devices"]["fake"]
    )
    wanted = ["name", "device", "ms", "low_ms", "high_ms", "p90_ms", "first_run_ms", "rounds", "contended"]
    assert list(data["latency"][0])[: len(wanted)] == wanted
    assert list(data["comparisons"][0]) == ["a", "b", "device", "ratio", "low", "high", "verdict"]


def test_several_devices_give_their_own_rows() -> None:
    devices = [FakeDevice(name="fake"), FakeDevice(name="other", format="torch")]
    both = Subject(name="net", files={"onnx": Path("1.0.onnx"), "torch": Path("3.0.json")})
    found = measure([both], devices, plan=PLAN)
    assert [latency.ms for latency in found.latency] == pytest.approx([1.0, 3.0], rel=0.05)
    assert set(found.sessions) == {"fake", "other"}
    assert found.comparisons == ()


def test_stops_when_narrow_enough_and_not_before_enough_loads() -> None:
    quiet = measure([subject(2.0), subject(1.0)], [FakeDevice()], plan=PLAN).latency[0]
    assert quiet.loads == PLAN.enough_loads
    same = measure([subject(2.0), subject(2.0)], [FakeDevice()], plan=PLAN).latency[0]
    assert PLAN.enough_loads < same.loads < PLAN.max_loads
    loaded = measure([subject(2.0), subject(2.0)], [FakeDevice(noise=LOADED)], plan=PLAN).latency[0]
    assert loaded.loads >= PLAN.max_loads
    assert loaded.contended


def test_stops_when_the_time_is_over() -> None:
    plan = Plan(limit_s=10.0, min_loads=4)
    late = measure([subject(2.0), subject(2.0)], [FakeDevice()], plan=plan, now_s=counting(20.0))
    assert late.latency[0].loads == 4
    assert late.latency[0].high_ms > late.latency[0].low_ms


def test_calls_of_a_session_differ_in_seed_and_last_about_a_second() -> None:
    device = FakeDevice()
    measure([subject(2.0), subject(2.0)], [device], plan=PLAN)
    assert len({call.seed for call in device.calls}) == len(device.calls)
    assert [call.loads for call in device.calls[:3]] == [2, 1, 1]


def test_the_anchor_is_timed_along_and_not_listed() -> None:
    found = measure([subject(2.0), subject(3.0)], [FakeDevice()], plan=PLAN, anchor=subject(1.0))
    assert [latency.name for latency in found.latency] == ["net of 2.0 ms", "net of 3.0 ms"]
    assert [latency.anchor_ratio for latency in found.latency] == pytest.approx([2.0, 3.0], rel=0.03)
    assert len(found.comparisons) == 1


def test_case_l3_latencies_of_other_settings_are_not_compared() -> None:
    found = measure([subject(2.0), subject(3.0)], [FakeDevice()], plan=PLAN, anchor=subject(1.0))
    a, b = found.latency
    assert ratio_across_sessions(a, b) == pytest.approx(2 / 3, rel=0.03)
    slower_day = replace(b, ms=b.ms * 1.5)
    assert ratio_across_sessions(a, slower_day) == pytest.approx(2 / 3, rel=0.03)
    assert ratio_across_sessions(a, replace(slower_day, anchor_ratio=None)) == pytest.approx(4 / 9, rel=0.03)
    with pytest.raises(DeviceError, match="threads 1 and 2"):
        ratio_across_sessions(a, replace(b, fingerprint=replace(b.fingerprint, threads=2)))


def test_names_what_is_missing() -> None:
    with pytest.raises(UsageError, match="nothing to measure"):
        measure([], [FakeDevice()])
    with pytest.raises(DeviceError, match=r"net of 2\.0 ms has no torch file for device fake \(it has: onnx\)"):
        measure([subject(2.0)], [FakeDevice(format="torch")])


def test_case_l4_a_record_carries_its_conditions() -> None:
    (record,) = measure([subject(2.0)], [FakeDevice()], plan=PLAN).records()
    assert record["ms"] == pytest.approx(2.0, rel=0.02)
    wanted = {"device": "fake", "runtime": "none", "version": "1", "precision": "float32", "threads": 1, "cpu": "paper"}
    assert wanted.items() <= record["conditions"].items()


def test_case_l4_a_runtime_is_named_with_what_computes_inside() -> None:
    found = measure([subject(2.0)], [FakeDevice()], plan=PLAN)
    session = replace(found.sessions["fake"], fingerprint=replace(FINGERPRINT, runtime="litert", version="2.1"))
    told = replace(found, sessions={"fake": session}).to_dict()["conditions"]["devices"]["fake"]
    assert (told["runtime"], told["version"], told["delegate"], told["threads"]) == ("litert", "2.1", "XNNPACK", 1)
