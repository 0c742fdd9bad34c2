"""A tiny run that every verb can work on."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from edgesmith.cli.main import run
from edgesmith.recipes.quickstart import write_digits


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two of the ten digits, so that trainings are short."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder / "all.zip")
    with zipfile.ZipFile(folder / "all.zip") as whole, zipfile.ZipFile(folder / "two.zip", "w") as part:
        for name in whole.namelist():
            if name.split("/")[1] in ("0", "1"):
                part.writestr(name, whole.read(name))
    return folder / "two.zip"


@pytest.fixture(scope="session")
def trained(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a small net trained for a few steps."""
    out = tmp_path_factory.mktemp("runs") / "train"
    settings = [
        "--weights",
        "none",
        "--set",
        "pictures=1300",
        "--set",
        "workers=0",
        "--set",
        "schedule.warmup_pictures=200",
    ]
    code = run(["train", "mobilenet_v3_small@width=0.35,resolution=32", str(digits), "--out", str(out), *settings])
    assert code == 0
    return out


@pytest.fixture(scope="session")
def picture(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One validation picture of a zero."""
    folder = tmp_path_factory.mktemp("picture")
    with zipfile.ZipFile(digits) as archive:
        name = next(name for name in archive.namelist() if name.startswith("val/0/"))
        return Path(archive.extract(name, folder))
