from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.devices.clock import SystemClock
from edgesmith.devices.roofline.machine import (
    Bandwidth,
    Machine,
    _last_cache_bytes,
    _sizes,
    copy_bandwidth,
    load_machine,
    product_gflops,
)
from edgesmith.devices.roofline.product import FLOAT32_PRODUCT
from tests.devices.fakes import FakeClock

MACHINE = Machine(
    cpu="paper",
    os="desk",
    version="1",
    float32_gflops=100.0,
    int8_gflops=400.0,
    bandwidths=(Bandwidth(bytes=1000, gbs=50.0), Bandwidth(bytes=4000, gbs=80.0), Bandwidth(bytes=16000, gbs=10.0)),
)


class Steps(FakeClock):
    """Each look at the time on the core finds a millisecond gone, each third one three."""

    def cpu_s(self) -> float | None:
        self.looks = getattr(self, "looks", 0) + 1
        self.work(3e-3 if self.looks % 3 == 0 else 1e-3)
        return self.on_core


def test_the_best_of_many_counts() -> None:
    assert product_gflops(FLOAT32_PRODUCT, clock=Steps(), size=100) == pytest.approx(2 * 100**3 / 1e-3 / 1e9)


def test_a_copy_counts_what_is_read_and_what_is_written() -> None:
    found = copy_bandwidth(1 << 22, clock=Steps())
    assert found.bytes == 1 << 22
    assert found.gbs == pytest.approx((1 << 22) / 1e-3 / 1e9)


def test_this_machine_multiplies_faster_than_python_could() -> None:
    assert product_gflops(FLOAT32_PRODUCT, clock=SystemClock(), size=128) > 0.2


def test_data_cannot_pass_the_bandwidth_of_its_size_or_of_a_larger_one() -> None:
    assert MACHINE.fastest_gbs(10) == 80.0
    assert MACHINE.fastest_gbs(3999) == 80.0
    assert MACHINE.fastest_gbs(4000) == 80.0
    assert MACHINE.fastest_gbs(16000) == 10.0
    assert MACHINE.fastest_gbs(10**9) == MACHINE.memory_gbs == 10.0


def test_limits_are_measured_once(tmp_path: Path) -> None:
    times = []

    def measure() -> Machine:
        times.append(1)
        return MACHINE

    assert load_machine(tmp_path, measure=measure) == MACHINE
    assert load_machine(tmp_path, measure=measure) == MACHINE
    assert len(times) == 1
    (kept,) = (tmp_path / "machine").iterdir()
    kept.write_text("{}")
    assert load_machine(tmp_path, measure=measure) == MACHINE
    assert len(times) == 2


def test_the_largest_copy_does_not_fit_into_the_last_cache(tmp_path: Path) -> None:
    assert _last_cache_bytes(tmp_path) == 0
    assert _sizes(tmp_path)[-1] == 1 << 27
    for index, size in enumerate(("32K", "1024K", "96M", "nothing")):
        folder = tmp_path / f"sys/devices/system/cpu/cpu0/cache/index{index}"
        folder.mkdir(parents=True)
        (folder / "size").write_text(f"{size}\n")
    assert _last_cache_bytes(tmp_path) == 96 << 20
    assert _sizes(tmp_path)[-1] >= 4 * (96 << 20)
