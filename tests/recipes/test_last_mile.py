"""A fit whose winner is narrowed by NetAdapt leaves what every fit leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.contenders import Contenders
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.last_mile import hand_over
from edgesmith.recipes.models import resolve
from edgesmith.recipes.quickstart import write_digits
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


@pytest.mark.slow
def test_bundle_and_report_are_where_every_fit_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_digits(tmp_path / "digits.zip")
    monkeypatch.setattr(Contenders, "ms_of", lambda *_: 1e9)  # as if every winner were too slow
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
