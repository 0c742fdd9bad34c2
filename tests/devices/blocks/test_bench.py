"""Every file is timed often enough, nothing twice, and disturbed sessions are told apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DeviceError
from edgesmith.devices.blocks.bench import ANCHOR, Bench
from edgesmith.devices.blocks.files import FileCache, SpecMaker
from edgesmith.devices.blocks.store import Purpose, Store
from tests.devices.blocks.fakes import EFFORTS, LawDevice, additive
from tests.devices.fakes import LOADED

ENOUGH = EFFORTS.nets.enough


def nets(count: int) -> list[NetSpec]:
    return [find(f"mobilenet_v3_small@classes={10 * number}") for number in range(1, 1 + count)]


def make_bench(device: LawDevice, folder: Path, store: Store) -> Bench:
    return Bench(device, FileCache(folder / "files", SpecMaker(), processes=1), store, efforts=EFFORTS)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "blocks.sqlite", setting={})


def test_every_net_gets_its_sessions_and_the_anchor_all(tmp_path: Path, store: Store) -> None:
    device = LawDevice(shift=0.0)
    levels = make_bench(device, tmp_path, store).time(Purpose.NETS, nets(20))
    counts = Counter(key for session in device.timed for key in session)
    assert [counts[model_hash(spec)] for spec in nets(20)] == [ENOUGH] * 20
    assert counts[model_hash(find(ANCHOR))] == len(device.timed)
    assert max(map(len, device.timed)) <= EFFORTS.nets.files
    for spec in nets(20):
        assert levels[model_hash(spec)].ms == pytest.approx(additive(spec), rel=0.05)


def test_files_meet_ever_other_files(tmp_path: Path, store: Store) -> None:
    device = LawDevice()
    make_bench(device, tmp_path, store).time(Purpose.NETS, nets(20))
    assert len({frozenset(session) for session in device.timed}) == len(device.timed)


def test_what_was_timed_is_not_timed_again(tmp_path: Path, store: Store) -> None:
    device = LawDevice()
    bench = make_bench(device, tmp_path, store)
    bench.time(Purpose.NETS, nets(8))
    sessions = len(device.timed)
    bench.time(Purpose.NETS, nets(8))
    assert len(device.timed) == sessions


@pytest.mark.parametrize("fail_after", [1, 5, 9])
def test_after_an_interruption_only_the_rest_is_timed(tmp_path: Path, store: Store, fail_after: int) -> None:
    broken = LawDevice(shift=0.0, fail_after=fail_after)
    with pytest.raises(KeyboardInterrupt):
        make_bench(broken, tmp_path, store).time(Purpose.NETS, nets(20))
    store.close()
    again = Store(tmp_path / "blocks.sqlite", setting={})
    assert len(again.sessions(Purpose.NETS)) == fail_after
    device = LawDevice(shift=0.0)
    make_bench(device, tmp_path, again).time(Purpose.NETS, nets(20))
    counts = Counter(key for session in [*broken.timed, *device.timed] for key in session)
    whole = LawDevice(shift=0.0)
    fresh = Store(tmp_path / "fresh.sqlite", setting={})
    make_bench(whole, tmp_path, fresh).time(Purpose.NETS, nets(20))
    assert min(counts[model_hash(spec)] for spec in nets(20)) >= ENOUGH
    assert len(broken.timed) + len(device.timed) <= len(whole.timed) + 1


def test_new_nets_are_tied_to_old_ones(tmp_path: Path, store: Store) -> None:
    device = LawDevice()
    bench = make_bench(device, tmp_path, store)
    bench.time(Purpose.NETS, nets(10))
    begun = len(device.timed)
    bench.time(Purpose.NETS, nets(12))
    old = {model_hash(spec) for spec in nets(10)}
    assert all(len(old & set(session)) >= EFFORTS.nets.company - 1 for session in device.timed[begun:])


def test_disturbed_sessions_are_repeated_but_not_for_ever(tmp_path: Path, store: Store) -> None:
    device = LawDevice(noise=LOADED)
    levels = make_bench(device, tmp_path, store).time(Purpose.NETS, nets(8))
    counts = Counter(key for session in device.timed for key in session)
    assert [counts[model_hash(spec)] for spec in nets(8)] == [EFFORTS.nets.most] * 8
    assert all(levels[model_hash(spec)].quiet == 0 for spec in nets(8))


def test_once_it_is_quiet_disturbed_nets_are_timed_again(tmp_path: Path, store: Store) -> None:
    device = LawDevice(noise=LOADED)
    make_bench(device, tmp_path, store).time(Purpose.NETS, nets(8))
    quiet = replace(device, noise=LawDevice().noise, timed=[])
    levels = make_bench(quiet, tmp_path, store).time(Purpose.NETS, nets(8))
    assert all(levels[model_hash(spec)].quiet >= ENOUGH for spec in nets(8))
    for spec in nets(8):
        assert levels[model_hash(spec)].ms == pytest.approx(additive(spec), rel=0.06)


def test_a_machine_that_is_never_in_peace_is_given_up_soon(tmp_path: Path, store: Store) -> None:
    device = LawDevice(noise=LOADED)
    with pytest.raises(
        DeviceError, match=r"contended: other work disturbed 24 of 24 sessions on fake, .* profile fake"
    ):
        make_bench(device, tmp_path, store).time(Purpose.NETS, nets(80), gives_up=True)
    assert len(device.timed) == len(store.sessions(Purpose.NETS)) == 24


def test_a_busy_machine_is_heard_before_anything_is_exported(tmp_path: Path, store: Store) -> None:
    with pytest.raises(DeviceError, match="contended: other work disturbed 24 of 24 sessions"):
        make_bench(LawDevice(noise=LOADED), tmp_path, store).listen()
    make_bench(LawDevice(), tmp_path, store).listen()
    assert store.sessions(Purpose.PIECES) == []


def test_what_disturbed_an_earlier_run_does_not_count_against_this_one(tmp_path: Path, store: Store) -> None:
    make_bench(LawDevice(noise=LOADED), tmp_path, store).time(Purpose.NETS, nets(80))
    levels = make_bench(LawDevice(), tmp_path, store).time(Purpose.NETS, nets(80), gives_up=True)
    assert all(levels[model_hash(spec)].quiet >= ENOUGH for spec in nets(80))


def test_pieces_and_nets_are_kept_apart(tmp_path: Path, store: Store) -> None:
    device = LawDevice()
    bench = make_bench(device, tmp_path, store)
    bench.time(Purpose.PIECES, nets(3))
    assert bench.levels(Purpose.NETS) == {}
    assert len(bench.levels(Purpose.PIECES)) == 4
