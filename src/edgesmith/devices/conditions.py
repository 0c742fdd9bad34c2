"""What this machine says of itself: processor, system, frequency, temperature."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/")


def cpu_name(root: Path = _ROOT) -> str:
    """The processor's own name, else the machine type.

    Args:
        root: Where ``proc`` and ``sys`` lie.
    """
    for label in ("model name", "Model", "Hardware"):
        for line in _lines(root / "proc/cpuinfo"):
            key, _, value = line.partition(":")
            if key.strip() == label and value.strip():
                return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def cpu_flags(root: Path = _ROOT) -> frozenset[str]:
    """What an x86 processor says that it can (``avx2``, ``avx512_vnni``); empty for others."""
    for line in _lines(root / "proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() == "flags":
            return frozenset(value.split())
    return frozenset()


def system_name() -> str:
    """Operating system, its version and the machine type."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def governor(core: int, root: Path = _ROOT) -> str | None:
    """Frequency governor of a core; None where the system does not tell."""
    lines = _lines(root / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor")
    return lines[0].strip() if lines else None


def frequency_mhz(core: int, root: Path = _ROOT) -> float | None:
    """Frequency of a core now; None where the system does not tell."""
    lines = _lines(root / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq")
    if lines and lines[0].strip().isdigit():
        return int(lines[0]) / 1e3
    clocks = [line.partition(":")[2] for line in _lines(root / "proc/cpuinfo") if line.startswith("cpu MHz")]
    return float(clocks[core]) if core < len(clocks) else None


def temperature_c(root: Path = _ROOT) -> float | None:
    """The warmest sensor, degrees Celsius; None where there is none."""
    sensors = sorted((root / "sys/class/thermal").glob("thermal_zone*/temp"))
    values = [
        int(text[0]) / 1e3 for sensor in sensors if (text := _lines(sensor)) and text[0].strip().lstrip("-").isdigit()
    ]
    return max(values, default=None)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
