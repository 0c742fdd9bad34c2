from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.cli.latency_text import print_measurement
from edgesmith.devices.base import Session
from edgesmith.devices.blocks.times import BlockTime
from edgesmith.devices.measure import measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Measurement
from edgesmith.devices.roofline.bound import roofline
from tests.devices.fakes import FakeDevice
from tests.devices.roofline.test_machine import MACHINE
from tests.devices.test_halves import slowed
from tests.devices.test_measure import subject


@pytest.fixture
def found() -> Measurement:
    return measure([subject(2.0), subject(1.0)], [FakeDevice()], plan=Plan(limit_s=100.0))


def lines(found: Measurement, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_measurement(found)
    return capsys.readouterr().out.splitlines()


def with_session(found: Measurement, session: Session) -> Measurement:
    sessions: Mapping[str, Session] = {"fake": session}
    return replace(found, sessions=sessions)


def test_a_quiet_session_takes_a_table_and_a_verdict(found: Measurement, capsys: pytest.CaptureFixture[str]) -> None:
    head, first, second, verdict = lines(found, capsys)
    assert head.split()[:3] == ["model", "device", "ms"]
    assert first.startswith("net of 2.0 ms  fake")
    assert second.startswith("net of 1.0 ms  fake")
    assert verdict.startswith("net of 2.0 ms on fake is slower than net of 1.0 ms on fake (ratio 1.997, 99 %")


def test_case_l6_notes_of_devices_are_told_once(found: Measurement, capsys: pytest.CaptureFixture[str]) -> None:
    session = found.sessions["fake"]
    noted = replace(session, conditions=replace(session.conditions, notes=("net.json: channels_last", "said")))
    both = replace(found, sessions={"fake": noted, "other": noted})
    assert lines(both, capsys)[4:] == ["net.json: channels_last", "said"]


def test_halves_that_differ_are_told(found: Measurement, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(with_session(found, slowed(found.sessions["fake"], 1.2)), capsys)[4:]
    assert line.startswith("fake: the second half of the session took 1.199 times as long as the first (99 %")
    assert line.endswith("the machine changed its speed")


def test_energy_and_threads_are_told(found: Measurement, capsys: pytest.CaptureFixture[str]) -> None:
    first = found.latency[0]
    two = replace(first, fingerprint=replace(first.fingerprint, threads=2), cpu_ms=3.9)
    powered = replace(first, energy_mj=30.0, energy_above_idle_mj=20.0)
    told = lines(replace(found, latency=(two, powered), comparisons=()), capsys)[3:]
    assert told == [
        "net of 2.0 ms on fake: 3.900 ms of processor time a picture, over all threads",
        "net of 2.0 ms on fake: 30.00 mJ of the processor package a picture, 20.00 of them above what it took in a "
        "pause before",
    ]


def test_a_latency_is_set_beside_the_limits_of_the_core(found: Measurement, capsys: pytest.CaptureFixture[str]) -> None:
    told = roofline(find("mobilenet_v3_small"), 2.0, MACHINE, precision="float32")
    first = replace(found.latency[0], roofline=told)
    (line,) = lines(replace(found, latency=(first,), comparisons=()), capsys)[2:]
    assert line == (
        "net of 2.0 ms on fake: 56.5 M multiply-adds, 57 GFLOP/s, 57% of this core's matrix product; "
        f"no less than {told.bound_ms:.3f} ms layer by layer"
    )


def test_the_slowest_blocks_are_shown_and_what_they_add_up_to(
    found: Measurement, capsys: pytest.CaptureFixture[str]
) -> None:
    times = [0.1, 0.7, 0.2, 0.05, 0.05, 0.3, 0.4, 0.15]
    blocks = tuple(
        BlockTime(
            name="net of 2.0 ms",
            device="fake",
            index=index,
            kind="conv",
            ms=ms,
            share=ms / sum(times),
            disturbed=index == 2,
        )
        for index, ms in enumerate(times)
    )
    title, _, *rows, total, disturbed = lines(replace(found, blocks=blocks), capsys)[5:]
    assert title == "slowest blocks of net of 2.0 ms on fake, each timed by itself between two convolutions:"
    assert [row.split()[0] for row in rows] == ["1", "6", "5", "2", "7", "0"]
    assert rows[0].split() == ["1", "conv", "0.7000", "35.9%"]
    assert total == f"all 8 add up to 1.950 ms; the whole network takes {found.latency[0].ms:.3f} ms"
    assert disturbed.startswith("1 of them: never timed without other work")
