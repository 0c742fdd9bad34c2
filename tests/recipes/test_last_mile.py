"""A fit whose winner is narrowed by NetAdapt leaves what every fit leaves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes import fit_ending
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_ending import Ending
from edgesmith.recipes.last_mile import hand_over
from edgesmith.recipes.models import resolve
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.run_folder import Stages
from edgesmith.report.content import Outcome
from edgesmith.report.saved import REPORT_NAME, load
from tests.deploy.models import Model, make_model, tiny_spec, write_plain_bundle


@pytest.fixture(scope="module")
def tiny() -> Model:
    return make_model(tiny_spec())


def test_a_bundle_is_handed_over_once(tiny: Model, tmp_path: Path) -> None:
    write_plain_bundle(tmp_path / "netadapt", tiny, ())
    target = tmp_path / "run" / "bundle"
    target.parent.mkdir()
    found = hand_over(tmp_path / "netadapt", target)
    assert found.manifest == open_bundle(tmp_path / "netadapt").manifest
    stamp = (target / "bundle.json").stat().st_mtime_ns
    assert hand_over(tmp_path / "netadapt", target) == found
    assert (target / "bundle.json").stat().st_mtime_ns == stamp
    assert [path.name for path in target.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize(
    ("short_ms", "long_ms", "expected"), [(0.99, 9.0, False), (1.08, 0.98, False), (1.08, 1.02, True)]
)
def test_a_winner_is_narrowed_where_a_longer_measurement_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_ms: float, long_ms: float, *, expected: bool
) -> None:
    course: Any = SimpleNamespace(
        config=SimpleNamespace(target=None), material=None, stages=Stages(tmp_path / "stages"), budget_ms=1.0
    )
    contenders: Any = SimpleNamespace(ms_of=lambda _: short_ms)
    unused: Any = None
    ending = Ending(course, contenders, None, unused, unused, tmp_path)
    monkeypatch.setattr(fit_ending, "measure_specs", lambda *_, **__: (SimpleNamespace(high_ms=long_ms),))
    assert ending._is_too_slow(find("mobilenet_v3_small")) is expected
    monkeypatch.setattr(fit_ending, "measure_specs", None)  # and a run that is started again remembers
    assert ending._is_too_slow(find("mobilenet_v3_small")) is expected


@pytest.mark.slow
def test_bundle_and_report_are_where_every_fit_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_digits(tmp_path / "digits.zip")
    monkeypatch.setattr(Ending, "_is_too_slow", lambda *_: True)
    config = FitConfig(
        data=str(tmp_path / "digits.zip"), budget="3ms", time="150s", weights="none", resolution=32, adapt=True
    )
    out = tmp_path / "run"
    result = fit(config, out=out)
    assert (result.bundle, result.report) == (out / "bundle", out / "report.html")
    assert resolve(str(out)).require_bundle().manifest == open_bundle(out / "netadapt" / "bundle").manifest
    report = load(out / REPORT_NAME)
    assert report.verb == "fit"
    assert report.repeat[0].text.startswith("edgesmith fit ")
    assert Path(report.model.file_path).parent == out / "bundle"
    assert Path(report.model.file_path).is_file()
    winners = [row for row in report.candidates if row.outcome is Outcome.WINNER]
    assert len(winners) == 1
    assert any(row.reason.endswith("narrowed by NetAdapt") for row in report.candidates)
    assert {"race", "train the winner", "NetAdapt"} <= {stage.name for stage in report.stages}
    assert "narrowed by NetAdapt" in result.summary[0]
