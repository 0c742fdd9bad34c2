"""How many threads can run at the same time here: allowed cores, a container's quota, processes that share them."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

from edgesmith.core.files import read_number

_ROOT: Final = Path("/")
_PROCESSES_HERE: Final = "LOCAL_WORLD_SIZE"  # torchrun's


def allowed_cores() -> tuple[int, ...]:
    """Cores that the scheduler may put this thread on."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def quota_cores(root: Path = _ROOT) -> float | None:
    """Cores' worth of time that the container may use; None without a limit.

    Args:
        root: Where ``proc`` and ``sys`` lie.
    """
    quotas = [*_quotas_v2(root), *_quotas_v1(root)]
    return min(quotas, default=None)


def max_threads(root: Path = _ROOT) -> int:
    """Threads that can run at the same time here: allowed cores, and whole cores of the container's quota."""
    quota = quota_cores(root)
    cores = len(allowed_cores())
    return cores if quota is None else max(1, min(cores, math.floor(quota + 1e-6)))


def share_of_threads() -> int:
    """This process's part of `max_threads`, where several of one job run on this machine."""
    return max(1, max_threads() // int(os.environ.get(_PROCESSES_HERE, "1")))


def _quotas_v2(root: Path) -> list[float]:
    """Limits of the process's own group and of each group above it."""
    quotas = []
    for group in _groups(root, controller=""):
        try:
            quota, period = (root / "sys/fs/cgroup" / group / "cpu.max").read_text().split()
            quotas.append(float(quota) / float(period))
        except (OSError, ValueError):
            continue
    return quotas


def _quotas_v1(root: Path) -> list[float]:
    quotas = []
    for group in _groups(root, controller="cpu"):
        folder = root / "sys/fs/cgroup/cpu" / group
        quota, period = read_number(folder / "cpu.cfs_quota_us"), read_number(folder / "cpu.cfs_period_us")
        if quota is not None and period and quota > 0:
            quotas.append(quota / period)
    return quotas


def _groups(root: Path, *, controller: str) -> list[str]:
    """The process's control group and its parents, relative to the mount, the mount itself last."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return [""]
    for line in lines:
        _, names, group = line.split(":", 2)
        if controller in names.split(","):
            parts = Path(group.lstrip("/")).parts
            return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
    return [""]
