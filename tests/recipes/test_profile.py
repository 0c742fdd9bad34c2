"""A whole profile on devices without a machine: tables that pass, and every way in which one must not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.arch.spec import model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices.blocks.bench import ANCHOR
from edgesmith.devices.blocks.files import SpecMaker
from edgesmith.devices.blocks.library import load_table, table_path, trials_of
from edgesmith.recipes.profile import Profile, ProfilePlan, profile_device
from tests.devices.blocks.fakes import EFFORTS, FAMILIES, LawDevice, additive, by_madds, moody
from tests.devices.fakes import LOADED, QUIET

PLAN = ProfilePlan(families=FAMILIES, nets=24, efforts=EFFORTS, processes=1, seed=2)

LISTENED = 24  # sessions of the anchor alone, with which each run begins


def run(device: LawDevice, cache: Path, *, plan: ProfilePlan = PLAN, overwrite: bool = False) -> Profile:
    return profile_device(device, maker=SpecMaker(), cache=cache, plan=plan, overwrite=overwrite)


def test_an_additive_device_gets_a_table_that_predicts_nets_it_never_saw(tmp_path: Path) -> None:
    device = LawDevice(noise=replace(QUIET, load=0.005, round=0.01, sample=0.01))
    found = run(device, tmp_path)
    gate = found.trial.gate
    assert gate.passed, gate.reasons()
    assert gate.num_nets == 20
    assert gate.rmspe < 0.015
    assert gate.tau > max(0.95, gate.madds_tau)
    assert gate.covered >= 0.8
    table = load_table(device, tmp_path, SpecMaker())
    for name in ("mobilenet_v3_small@resolution=192", "mobilenet_v2@width=0.5", "mobilenet_v3_large@resolution=96"):
        predicted = table.predict(find(name))
        assert predicted.ms == pytest.approx(additive(find(name)), rel=0.04)
        assert predicted.low_ms < predicted.ms < predicted.high_ms


def test_a_table_that_has_passed_is_not_measured_again_unless_asked(tmp_path: Path) -> None:
    device = LawDevice(noise=replace(QUIET, load=0.005, round=0.01, sample=0.01))
    first = run(device, tmp_path)
    data = first.to_dict()
    assert {"device", "table", "pieces", "trials", "gate", "calibration", "seconds"} == set(data)
    assert {"num_nets", "tau", "rmspe", "madds_tau", "covered", "contended", "passed", "reasons"} <= set(data["gate"])
    assert Path(data["table"]).is_file()
    sessions = len(device.timed)
    assert run(device, tmp_path) == first
    assert len(device.timed) == sessions
    assert run(device, tmp_path, overwrite=True).trials == 1
    assert len(device.timed) >= 2 * sessions - 2


@pytest.mark.parametrize("spread", [0.06, 0.15])
def test_a_device_that_no_sum_describes_is_refused(tmp_path: Path, spread: float) -> None:
    device = LawDevice(law=moody(spread))
    gate = run(device, tmp_path).trial.gate
    assert not gate.passed
    assert not gate.contended
    with pytest.raises(DeviceError, match=r"the block table of fake is refused: .*these networks join the fit"):
        load_table(device, tmp_path, SpecMaker())


def test_a_device_that_multiply_adds_describe_needs_no_table(tmp_path: Path) -> None:
    exact = replace(QUIET, load=0.0, round=0.0, sample=0.0)
    gate = run(LawDevice(law=by_madds, noise=exact, shift=0.0), tmp_path).trial.gate
    assert any("multiply-adds rank as well" in reason for reason in gate.reasons())


def test_a_device_that_becomes_busy_is_refused_as_such_and_passes_when_it_is_quiet(tmp_path: Path) -> None:
    quiet = LawDevice(noise=replace(QUIET, load=0.005, round=0.01, sample=0.01))
    large_hands = replace(PLAN, efforts=replace(EFFORTS, nets=replace(EFFORTS.nets, files=12)))
    run(quiet, tmp_path / "quiet", plan=large_hands)
    busy = replace(quiet, busy_after=len(quiet.timed) - 8, timed=[])  # while networks are held out
    gate = run(busy, tmp_path, plan=large_hands).trial.gate
    assert gate.contended
    assert not gate.passed
    with pytest.raises(DeviceError, match=r"contended: .*again when the machine is quieter"):
        load_table(busy, tmp_path, SpecMaker())
    found = run(quiet, tmp_path)
    assert found.trial.gate.passed, found.trial.gate.reasons()
    assert found.trials == 2
    assert found.trial.calibration.num_nets == 24  # the held-out networks of a contended trial stay held out


def test_a_device_that_is_never_in_peace_is_given_up_and_passes_when_it_is_quiet(tmp_path: Path) -> None:
    busy = LawDevice(noise=LOADED)
    with pytest.raises(DeviceError, match=r"contended: .* of 24 sessions"):
        run(busy, tmp_path)
    with pytest.raises(DeviceError, match="no block table yet"):
        load_table(busy, tmp_path, SpecMaker())
    found = run(LawDevice(noise=replace(QUIET, load=0.005, round=0.01, sample=0.01)), tmp_path)
    assert found.trial.gate.passed, found.trial.gate.reasons()
    assert found.trials == 1


@pytest.mark.slow
def test_networks_of_a_failed_gate_join_the_fit_and_others_are_held_out(tmp_path: Path) -> None:
    device = LawDevice(law=moody(0.1))
    first = run(device, tmp_path)
    second = run(device, tmp_path)
    assert (second.trials, second.trial.calibration.num_nets) == (2, 44)
    assert not set(first.trial.held_out) & set(second.trial.held_out)
    assert len(trials_of(device, tmp_path)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("fail_after", [36, 84])
def test_a_killed_profile_goes_on_where_it_was(tmp_path: Path, fail_after: int) -> None:
    broken = LawDevice(shift=0.0, fail_after=fail_after)
    with pytest.raises(KeyboardInterrupt):
        run(broken, tmp_path / "killed")
    again = LawDevice(shift=0.0)
    run(again, tmp_path / "killed")
    whole = LawDevice(shift=0.0)
    run(whole, tmp_path / "whole")
    assert len(broken.timed) == fail_after
    repeated = len(broken.timed) + len(again.timed) - len(whole.timed)
    assert repeated <= LISTENED + 4  # the last hands may be dealt otherwise
    timed = Counter(key for session in [*broken.timed, *again.timed] for key in set(session))
    del timed[model_hash(find(ANCHOR))]
    assert set(timed) == {key for session in whole.timed for key in session} - {model_hash(find(ANCHOR))}


def test_without_a_table_the_way_to_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no block table yet; make one: edgesmith devices profile fake"):
        load_table(LawDevice(), tmp_path, SpecMaker())


def test_a_damaged_table_is_one_line_with_a_way_out(tmp_path: Path) -> None:
    device = LawDevice()
    path = table_path(device, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no table " * 2000)
    with pytest.raises(DeviceError, match=f"is damaged .*; delete {path.parent} and profile the device again"):
        run(device, tmp_path)


def test_settings_have_tables_of_their_own(tmp_path: Path) -> None:
    assert table_path(LawDevice(), tmp_path) != table_path(LawDevice(name="fake:threads=2"), tmp_path)


def test_too_few_networks_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 20 networks, got 10"):
        ProfilePlan(nets=10)
