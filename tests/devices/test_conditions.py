from __future__ import annotations

import platform
from pathlib import Path

from edgesmith.devices.conditions import cpu_flags, cpu_name, frequency_mhz, governor, system_name, temperature_c


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_reads_what_a_desktop_tells(tmp_path: Path) -> None:
    put(tmp_path, "proc/cpuinfo", "processor\t: 0\nmodel name\t: Chip 9\ncpu MHz\t\t: 2600.5\n\ncpu MHz\t\t: 1200.0\n")
    assert cpu_name(tmp_path) == "Chip 9"
    assert (frequency_mhz(0, tmp_path), frequency_mhz(1, tmp_path), frequency_mhz(2, tmp_path)) == (
        2600.5,
        1200.0,
        None,
    )


def test_reads_what_a_small_board_tells(tmp_path: Path) -> None:
    put(tmp_path, "proc/cpuinfo", "processor\t: 0\n\nModel\t\t: Raspberry Pi 5\n")
    put(tmp_path, "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "ondemand\n")
    put(tmp_path, "sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "1800000\n")
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "51000\n")
    put(tmp_path, "sys/class/thermal/thermal_zone1/temp", "62500\n")
    assert cpu_name(tmp_path) == "Raspberry Pi 5"
    assert governor(3, tmp_path) == "ondemand"
    assert frequency_mhz(3, tmp_path) == 1800.0
    assert temperature_c(tmp_path) == 62.5


def test_what_is_not_told_is_left_out(tmp_path: Path) -> None:
    assert governor(0, tmp_path) is None
    assert frequency_mhz(0, tmp_path) is None
    assert temperature_c(tmp_path) is None
    assert cpu_name(tmp_path) in (platform.processor(), platform.machine(), "unknown")
    assert system_name().endswith(platform.machine())


def test_case_q2_reads_what_an_x86_processor_can(tmp_path: Path) -> None:
    put(tmp_path, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu avx2 avx_vnni\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert cpu_flags(tmp_path) == {"fpu", "avx2", "avx_vnni"}


def test_case_q2_other_processors_have_no_flags(tmp_path: Path) -> None:
    put(tmp_path, "proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\nModel\t\t: Raspberry Pi 5\n")
    assert cpu_flags(tmp_path) == cpu_flags(tmp_path / "nowhere") == frozenset()
