from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.devices.base import Session, Spent
from edgesmith.devices.energy import PackageEnergy
from edgesmith.devices.plan import Plan
from edgesmith.devices.session import Load, time_session
from edgesmith.devices.usage import energy_above_idle_mj, energy_mj
from tests.devices.fakes import FINGERPRINT, FakeClock, NoCores

WRAPS_AT = 1_000_000


class Machine:
    """A powercap tree that takes ``idle_w`` always and ``busy_w`` more while a net runs."""

    def __init__(self, root: Path, *, idle_w: float = 5.0, packages: int = 1) -> None:
        self.root, self.clock, self.idle_w = root, FakeClock(), idle_w
        self._uj = [WRAPS_AT - 1000.0] * packages
        for index in range(packages):
            self._put(f"intel-rapl:{index}", f"package-{index}")
            self._put(f"intel-rapl:{index}:0", "core")
        self._put(f"intel-rapl:{packages}", "psys")
        self._put("intel-rapl-mmio:0", "package-0")
        self._write()

    def pass_time(self, seconds: float, busy_w: float = 0.0) -> None:
        self.clock.work(seconds)
        self._uj = [(uj + seconds * (self.idle_w + busy_w) * 1e6) % WRAPS_AT for uj in self._uj]
        self._write()

    def load(self, ms: float, busy_w: float) -> Load:
        def run() -> None:
            self.pass_time(ms * 1e-3, busy_w)

        return lambda: run

    def energy(self) -> PackageEnergy:
        return PackageEnergy(self.root, sleep=self.pass_time, now_s=self.clock.wall_s)

    def _write(self) -> None:
        for index, uj in enumerate(self._uj):
            (self._folder(f"intel-rapl:{index}") / "energy_uj").write_text(f"{uj:.3f}\n")

    def _folder(self, name: str) -> Path:
        return self.root / "sys/class/powercap" / name

    def _put(self, name: str, zone: str) -> None:
        self._folder(name).mkdir(parents=True)
        for file, text in (("name", zone), ("max_energy_range_uj", str(WRAPS_AT)), ("energy_uj", "77")):
            (self._folder(name) / file).write_text(f"{text}\n")


def take(loads: list[Load], clock: FakeClock, energy: PackageEnergy) -> Session:
    plan = Plan(loads=2, load_s=0.04)
    return time_session(loads, plan, fingerprint=FINGERPRINT, clock=clock, cores=NoCores(), energy=energy)


@pytest.mark.parametrize("packages", [1, 2])
def test_each_file_gets_the_energy_of_its_own_runs(tmp_path: Path, packages: int) -> None:
    machine = Machine(tmp_path, packages=packages)
    session = take([machine.load(2.0, 10.0), machine.load(4.0, 30.0)], machine.clock, machine.energy())
    assert session.conditions.energy == "package"
    assert session.conditions.idle_w == pytest.approx(5.0 * packages, rel=1e-3)
    assert energy_mj(session, 0) == pytest.approx(2.0 * 15.0 * packages, rel=1e-3)
    assert energy_mj(session, 1) == pytest.approx(4.0 * 35.0 * packages, rel=1e-3)
    assert energy_above_idle_mj(session, 1) == pytest.approx(4.0 * 30.0 * packages, rel=1e-3)


def test_the_counter_may_begin_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    energy = machine.energy()
    machine.pass_time(0.1)
    assert energy.total_mj() == pytest.approx(500.0)
    machine.pass_time(0.15)
    assert energy.total_mj() == pytest.approx(1250.0)


def test_sessions_add_up_and_share(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    session = take([machine.load(2.0, 10.0)], machine.clock, machine.energy())
    both = session.followed_by(session)
    assert both.energy[0].runs == 2 * session.energy[0].runs > 0
    assert energy_mj(both, 0) == pytest.approx(30.0, rel=1e-3)
    assert Spent(mj=1, runs=2, seconds=3) + Spent(mj=1, runs=1, seconds=1) == Spent(mj=2, runs=3, seconds=4)


def test_no_counter_is_absent(tmp_path: Path) -> None:
    clock = FakeClock()
    session = take([lambda: lambda: clock.work(1e-3)], clock, PackageEnergy(tmp_path))
    assert (session.conditions.energy, session.conditions.idle_w, session.energy) == ("absent", None, ())
    assert energy_mj(session, 0) is None
    assert energy_above_idle_mj(session, 0) is None


def test_a_counter_for_root_alone_is_unreadable(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").unlink()
    assert PackageEnergy(tmp_path).state == "unreadable"
    assert PackageEnergy(tmp_path).idle_w() is None
    assert machine.clock.wall == 0
