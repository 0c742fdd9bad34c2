"""The Python of README.md runs, on digits and in minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.quickstart import write_digits
from tests.pages import code_of, run_code


@pytest.mark.slow
def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "flowers.zip")
    (block,) = code_of("README.md")
    names = run_code(block, "README.md", {}, instead={'effort="quick"': 'time="110s"'})
    assert names["net"].spec.num_classes == 5
    assert open_bundle(names["result"].bundle).folder.samefile(tmp_path / "runs/flowers/bundle")
    assert "verdict=" in capsys.readouterr().out
