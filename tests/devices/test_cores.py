from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from edgesmith.core.threads import allowed_cores
from edgesmith.devices.cores import Cores, CoreTimes, fastest_cores, read_core_times

pins = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not pin")
two_cores = pytest.mark.skipif(len(allowed_cores()) < 2, reason="one core leaves no choice")


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_only_cores_of_the_fastest_kind_are_taken(tmp_path: Path) -> None:
    capacities = {0: 400, 1: 400, 2: 1024, 3: 1024}
    folder = "sys/devices/system/cpu"
    write(tmp_path, {f"{folder}/cpu{core}/cpu_capacity": f"{value}\n" for core, value in capacities.items()})
    assert fastest_cores((0, 1, 2, 3), tmp_path) == (2, 3)
    assert fastest_cores((0, 1), tmp_path) == (0, 1)
    assert fastest_cores((0, 1), tmp_path / "nothing") == (0, 1)


def test_reads_the_ticks_of_each_core(tmp_path: Path) -> None:
    write(tmp_path, {"proc/stat": "cpu 1 2 3\ncpu0 10 1 5 100 4 0 1 3 0 0\ncpu1 0 0 0 7 0 0 0 0 0 0\nintr 5\n"})
    assert read_core_times(tmp_path) == {
        0: CoreTimes(busy=20, stolen=3, total=124),
        1: CoreTimes(busy=0, stolen=0, total=7),
    }
    assert read_core_times(tmp_path / "nothing") == {}


def ticking(busy: Mapping[int, int]) -> Callable[[], Mapping[int, CoreTimes]]:
    """Each reading is 100 ticks later, of which a core spends ``busy[core]`` on others' work."""
    reading = [0]

    def read() -> Mapping[int, CoreTimes]:
        reading[0] += 1
        return {
            core: CoreTimes(busy=ticks * reading[0], stolen=reading[0], total=100 * reading[0])
            for core, ticks in busy.items()
        }

    return read


@pins
@two_cores
@pytest.mark.parametrize("idle", [0, 1])
def test_the_least_busy_core_is_taken_and_given_back(idle: int) -> None:
    before = os.sched_getaffinity(0)
    first, second = allowed_cores()[:2]
    wanted = (first, second)[idle]
    busy = dict.fromkeys(allowed_cores(), 90) | {wanted: 5}
    cores = Cores(1, read=ticking(busy), sleep=lambda _: None)
    with cores.pinned() as chosen:
        assert chosen == (wanted,)
        assert os.sched_getaffinity(0) == {wanted}
    assert os.sched_getaffinity(0) == before
    assert cores.others() == pytest.approx(0.05, abs=0.03)
    assert cores.steal() == pytest.approx(0.01)


@pins
@two_cores
def test_a_session_right_after_another_needs_no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    now, looks = [100.0], list[float]()
    monkeypatch.setattr("edgesmith.devices.cores.time.monotonic", lambda: now[0])
    wanted = allowed_cores()[1]
    cores = Cores(1, read=ticking(dict.fromkeys(allowed_cores(), 90) | {wanted: 5}), sleep=looks.append)
    for waited, so_far in ((0.0, 1), (1.0, 1), (3.0, 2)):
        now[0] += waited
        cores = cores.again()
        with cores.pinned() as chosen:
            assert chosen == (wanted,)
        assert len(looks) == so_far
    assert cores.again().others() is None


@pins
def test_as_many_threads_as_cores_take_them_all() -> None:
    cores = Cores(len(allowed_cores()), read=dict, sleep=lambda _: None)
    with cores.pinned() as chosen:
        assert chosen == allowed_cores()
    assert cores.steal() is None
    assert cores.others() is None


@pins
def test_the_affinity_comes_back_after_an_error() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(RuntimeError), Cores(1, sleep=lambda _: None).pinned():
        raise RuntimeError
    assert os.sched_getaffinity(0) == before
