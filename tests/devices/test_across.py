"""Several devices' latencies as one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.core.errors import UsageError
from edgesmith.devices.across import MEAN, WAYS, WORST, Target
from edgesmith.devices.base import Fingerprint
from edgesmith.devices.results import Latency

SETTING = Fingerprint(
    device="a", runtime="r", version="1", precision="float32", threads=1, cpu="c", os="o", python="3.11"
)


def latency(name: str, device: str, ms: float, *, half: float = 0.0) -> Latency:
    """A latency with an interval."""
    return Latency(
        name=name,
        device=device,
        ms=ms,
        low_ms=ms - half,
        high_ms=ms + half,
        p90_ms=ms,
        first_run_ms=ms,
        rounds=1,
        contended=False,
        loads=1,
        basis="median",
        lowest_ms=ms,
        anchor_ratio=None,
        fingerprint=replace(SETTING, device=device),
    )


ALL = [latency("x", "a", 1.0), latency("y", "a", 4.0), latency("x", "b", 3.0), latency("y", "b", 2.0)]


def test_the_worst_device_counts_for_each_subject() -> None:
    found = Target(device="a,b", across=WORST).combine(ALL)
    assert [(each.name, each.device, each.ms) for each in found] == [("x", "b", 3.0), ("y", "a", 4.0)]


def test_the_upper_end_of_the_interval_decides_which_is_worst() -> None:
    sure, unsure = latency("x", "a", 1.0), latency("x", "b", 0.9, half=0.3)
    assert Target(device="a,b").combine([sure, unsure]) == (unsure,)


def test_the_mean_is_of_all_devices_and_says_so() -> None:
    found = Target(device="a,b", across=MEAN).combine(ALL)
    assert [each.ms for each in found] == [2.0, 3.0]
    assert found[0].device == "mean of a, b"


@pytest.mark.parametrize("across", WAYS)
def test_one_device_is_left_as_it_is(across: str) -> None:
    target = Target(device="a", across=across)
    assert [each.ms for each in target.combine(ALL[:2])] == [1.0, 4.0]
    assert str(target) == "a"


@given(st.lists(st.floats(0.01, 1e3), min_size=1, max_size=5))
def test_the_mean_is_never_above_the_worst(times: list[float]) -> None:
    latencies = [latency("x", f"d{number}", ms) for number, ms in enumerate(times)]
    device = ",".join(each.device for each in latencies)
    worst, mean = (Target(device=device, across=across).combine(latencies)[0] for across in (WORST, MEAN))
    assert mean.high_ms <= worst.high_ms * (1 + 1e-12)


def test_another_way_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match=r"'wrst'.*worst"):
        Target(device="a,b", across="wrst")
