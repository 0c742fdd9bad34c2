"""A fit whose last file misses its budget: looked at again, and at worst another network of the race is returned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from edgesmith.deploy.bundle import open_bundle
from edgesmith.devices.across import Target
from edgesmith.devices.base import Session
from edgesmith.devices.plan import Plan
from edgesmith.recipes import measure as measuring
from edgesmith.recipes.fit_keep import look_again, rivals_of
from edgesmith.recipes.fit_race import Race
from edgesmith.recipes.models import Model, resolve
from edgesmith.report.content import Outcome
from edgesmith.report.saved import REPORT_NAME, load
from edgesmith.search.race import Standing
from tests.devices.blocks.fakes import additive
from tests.recipes.netadapt.fakes import FolderDevice
from tests.recipes.toy_fit import BUDGET_MS, LEAST, MIDDLE, NETS, WIDEST, measured, toy_fit


@dataclass
class Drifting(FolderDevice):
    """Slower when it times what was trained, by a factor: always, or only where nothing else is timed beside it."""

    drift: float = 1.0
    lasts: bool = True

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        is_late = any(file.is_dir() for file in files) and (self.lasts or len(files) == 1)
        factor = self.drift if is_late else 1.0
        self.cache.clear()
        self.law = lambda spec: factor * additive(spec)
        return super().time(files, plan)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device without drift."""
    monkeypatch.setattr(measuring, "get_devices", lambda _: [FolderDevice()])


RACE = Race(
    winner=WIDEST,
    standings={
        WIDEST: Standing(rung=1, score=0.5),
        LEAST: Standing(rung=0, score=0.9),
        MIDDLE: Standing(rung=1, score=0.4),
    },
    pictures={},
    intervals={},
)


@pytest.mark.usefixtures("quiet")
def test_rivals_are_the_faster_ones_of_the_race_by_how_far_they_came() -> None:
    contenders = tuple(map(measured, NETS))
    assert [each.spec.name for each in rivals_of(RACE, contenders, WIDEST)] == [MIDDLE, LEAST]
    assert [each.spec.name for each in rivals_of(RACE, contenders, MIDDLE)] == [LEAST]
    alone = replace(RACE, standings={})
    assert rivals_of(alone, contenders, WIDEST) == ()


@pytest.mark.usefixtures("quiet")
def test_a_second_look_tells_the_machine_from_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    contenders = tuple(map(measured, NETS))
    slower = FolderDevice(law=lambda spec: 1.2 * additive(spec))
    monkeypatch.setattr(measuring, "get_devices", lambda _: [slower])
    file, target = Model(name="file", spec=NETS[0]), Target(device="fake")
    rivals = rivals_of(RACE, contenders, WIDEST)
    look = look_again(file, rivals, target, 1.2 * additive(NETS[1]) * 1.001)
    assert look.drift == pytest.approx(1.2)
    assert look.keeping == (MIDDLE, LEAST)
    assert [each.name for each in look.measurement.latency] == ["file"]
    assert look.latency.ms == pytest.approx(1.2 * additive(NETS[0]))
    assert "other networks take 1.20 times what they took at first" in look.describe(1.0)
    assert look_again(file, rivals, target, 1.1 * additive(NETS[2])).keeping == ()
    assert look_again(file, (), target, 1.0).drift is None


@pytest.mark.slow
def test_a_file_that_only_seemed_too_slow_is_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = toy_fit(tmp_path, monkeypatch, Drifting(drift=1.1, lasts=False))
    assert result.met
    assert result.missed is None
    assert result.spec.name == WIDEST
    assert result.latency[0]["high_ms"] <= BUDGET_MS
    assert load(tmp_path / "run" / REPORT_NAME).latency.high_ms <= BUDGET_MS


@pytest.mark.slow
def test_what_is_returned_keeps_the_budget_if_anything_of_the_race_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, out = toy_fit(tmp_path, monkeypatch, Drifting(drift=1.1)), tmp_path / "run"
    assert result.met
    assert result.spec.name in (MIDDLE, LEAST)
    assert result.latency[0]["high_ms"] <= BUDGET_MS
    bundle = resolve(str(out)).require_bundle()
    assert bundle.manifest.spec == result.spec
    assert bundle.manifest.latency[0]["high_ms"] <= BUDGET_MS
    told = json.loads((out / "result.json").read_text())["missed"]
    assert (told["name"], told["bundle"]) == (WIDEST, str(out / "missed" / "bundle"))
    assert told["latency"][0]["low_ms"] > BUDGET_MS
    assert told["drift"] == pytest.approx(1.1)
    assert open_bundle(Path(told["bundle"])).manifest.spec.name == WIDEST
    rows = {row.name: row for row in load(out / REPORT_NAME).candidates}
    assert rows[result.spec.name].outcome is Outcome.WINNER
    assert rows[WIDEST].outcome is Outcome.RACED
    assert "won the race; its file took up to" in rows[WIDEST].reason
    assert "missed the budget in the end" in result.summary[-1]


@pytest.mark.slow
def test_where_nothing_keeps_the_budget_that_is_said_and_the_winner_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = toy_fit(tmp_path, monkeypatch, Drifting(drift=9.0))
    assert not result.met
    assert result.spec.name == WIDEST
    assert resolve(str(tmp_path / "run")).require_bundle().manifest.spec == result.spec
    assert result.summary[-1].startswith("nothing that was trained keeps ")
    assert "raise --budget" in result.summary[-1]


@pytest.mark.slow
def test_a_network_that_is_alone_needs_no_race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = toy_fit(tmp_path, monkeypatch, FolderDevice(), nets=NETS[:1])
    assert result.met
    assert result.spec.name == WIDEST
