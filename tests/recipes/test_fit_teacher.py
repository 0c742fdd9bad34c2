"""A fit whose last training learns from a teacher."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.models import Model
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.train import train_model
from tests.deploy.models import make_model, tiny_spec, write_plain_bundle
from tests.notes import Notes
from tests.recipes.netadapt.fakes import FolderDevice
from tests.recipes.toy_fit import WIDEST, toy_fit


def test_a_teacher_that_could_not_teach_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.zip")
    write_plain_bundle(tmp_path / "teacher", make_model(tiny_spec()), ())
    for teacher, message in {str(tmp_path / "teacher"): "does not know", "none": "a teacher has weights"}.items():
        config = FitConfig(data=str(tmp_path / "digits.zip"), budget="1ms", weights="none", teacher=teacher)
        with pytest.raises(UsageError, match=message):
            fit(config, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_winner_learns_from_its_teacher_and_its_bundle_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_digits(tmp_path / "digits.zip")
    spec = find("mobilenet_v3_small@width=0.5,resolution=32")
    train_model(
        Model(name=spec.name, spec=spec),
        str(tmp_path / "digits.zip"),
        out=tmp_path / "teacher",
        settings=("pictures=4000", "batch_size=32", "workers=0"),
        weights="none",
    )
    teacher, notes = str(tmp_path / "teacher"), Notes()
    result = toy_fit(tmp_path, monkeypatch, FolderDevice(), progress=notes, teacher=teacher)
    assert result.met
    told = open_bundle(result.bundle).manifest.provenance["teacher"]
    assert (told["source"], told["share"]) == (teacher, 0.7)
    assert f"learning from {teacher} beside the labels" in notes.lines
    assert result.spec.name == WIDEST
    stages = {path.stem for path in (tmp_path / "run" / "stages").iterdir()}
    assert {"speeds", "speeds-taught"} <= stages, (
        "the pictures of the last training are counted with the teacher at work"
    )
    assert f"--teacher {teacher}" in result.report.read_text()
