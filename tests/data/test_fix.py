"""A cleaned copy holds what may be trained on, and the list names all the rest."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.fix import LIST_NAME, Fixed, fix
from tests.data.builders import encode, noise, write_pictures, zip_folder
from tests.data.test_likeness import recompressed, scene


def fixed(path: Path, out: Path) -> Fixed:
    dataset = datasets.open(path)
    return fix(dataset, check(dataset), out)


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Every fault that single files can have."""
    root = write_pictures(tmp_path / "set", {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1, "val/z": 1})
    (root / "train/a/cut.jpg").write_bytes(encode(noise(64, 64))[:-400])
    (root / "train/a/page.jpg").write_text("<html>404</html>")
    (root / "val/b/copy.png").write_bytes((root / "train/b/000.png").read_bytes())
    (root / "train/b/twin.png").write_bytes((root / "train/a/000.png").read_bytes())
    (root / "train/b/photo.png").write_bytes(encode(scene(1), "PNG"))
    (root / "val/b/photo.jpg").write_bytes(encode(recompressed(scene(1))))
    return root


def test_what_is_wrong_is_left_out_and_named(faulty: Path, tmp_path: Path) -> None:
    done = fixed(faulty, tmp_path / "clean")
    assert {each.file: each.kind for each in done.left_out} == {
        "train/a/cut.jpg": "truncated",
        "train/a/page.jpg": "not_a_picture",
        "val/z/000.png": "extra_class",
        "train/b/000.png": "duplicate",
        "train/a/000.png": "duplicate",
        "train/b/twin.png": "duplicate",
        "train/b/photo.png": "near_duplicate",
    }
    with (done.path / LIST_NAME).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["file"] for row in rows} == {each.file for each in done.left_out}
    files = sorted(path.relative_to(done.path).as_posix() for path in done.path.rglob("*.*g"))
    assert len(files) == done.num_kept == 8
    assert "val/b/copy.png" in files
    assert "val/b/photo.jpg" in files


def test_the_copy_has_no_faults_and_the_same_bytes(faulty: Path, tmp_path: Path) -> None:
    done = fixed(faulty, tmp_path / "clean")
    report = check(datasets.open(done.path))
    assert report.ok
    assert not report.copies
    assert [problem.kind for problem in report.problems if problem.kind != "stray"] == []
    assert (done.path / "train/a/001.png").read_bytes() == (faulty / "train/a/001.png").read_bytes()


def test_an_archive_is_fixed_too_and_stays_as_it_is(faulty: Path, tmp_path: Path) -> None:
    archive = zip_folder(faulty, tmp_path / "set.zip")
    before = archive.read_bytes()
    assert fixed(archive, tmp_path / "clean").num_kept == 8
    assert archive.read_bytes() == before


def test_names_that_meet_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    root = write_pictures(
        tmp_path / "set", {"train/a/left": 1, "train/a/right": 1, "train/b": 2, "val/a": 1, "val/b": 1}
    )
    done = fixed(root, tmp_path / "clean")
    assert sorted(path.name for path in (done.path / "train" / "a").iterdir()) == ["000-2.png", "000.png"]


def test_classes_keep_apart_whatever_they_are_called(tmp_path: Path) -> None:
    """A slash would make two folders, dots would lead out of the copy, and hidden folders are passed over."""
    names = ["a/b", "a_b", "../../out", ".hidden"]
    (tmp_path / "set").mkdir()
    rows = ["index,name,file"]
    for index, name in enumerate(names):
        for number in range(3):
            file = f"{index}-{number}.png"
            (tmp_path / "set" / file).write_bytes(encode(noise(seed=len(rows)), "PNG"))
            rows.append(f"{index},{name},{file}")
    (tmp_path / "set" / "labels.csv").write_text("\n".join(rows))
    done = fixed(tmp_path / "set", tmp_path / "deep" / "clean")
    assert sorted(path.name for path in (done.path / "train").iterdir()) == [
        "_.._.._out",
        "_.hidden",
        "a_b",
        "a_b-2",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"set", "deep"}
    again = datasets.open(done.path)
    assert len(again.classes) == 4
    assert again.num_images == done.num_kept == 12


def test_nothing_is_overwritten(faulty: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="is there already"):
        fixed(faulty, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"
