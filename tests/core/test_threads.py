"""Threads that can run at once: what the scheduler allows, what the container grants, what others of the job leave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from edgesmith.core.threads import allowed_cores, max_threads, quota_cores, share_of_threads


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, None),
        ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "50000 100000",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/box\n",
                "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "200000",
                "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000",
            },
            2.0,
        ),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, None),
    ],
    ids=["none", "v2 max", "v2", "v2 nested", "v1", "v1 none"],
)
def test_case_l3_container_quota_is_read(tmp_path: Path, files: Mapping[str, str], cores: float | None) -> None:
    assert quota_cores(write(tmp_path, files)) == cores


@pytest.mark.parametrize(("quota", "threads"), [("50000", 1), ("100000", 1), ("190000", 1)])
def test_case_l3_threads_follow_the_quota(tmp_path: Path, quota: str, threads: int) -> None:
    assert max_threads(write(tmp_path, {"sys/fs/cgroup/cpu.max": f"{quota} 100000"})) == threads
    assert max_threads(tmp_path / "nothing") == len(allowed_cores())


@pytest.mark.parametrize("processes", [1, 2, 1000])
def test_processes_of_one_job_share_the_threads(monkeypatch: pytest.MonkeyPatch, processes: int) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    assert share_of_threads() == max(1, max_threads() // processes)
