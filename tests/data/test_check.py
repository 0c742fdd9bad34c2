from __future__ import annotations

from pathlib import Path

from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from tests.data.builders import encode, noise, write_pictures

USUAL = {"train/a": 5, "train/b": 4, "val/a": 2, "val/b": 1}


def _found(path: Path) -> set[tuple[str, str, str]]:
    return {(p.kind, p.file, p.severity) for p in check(datasets.open(path)).problems}


def test_a_clean_set_is_ok(tmp_path: Path) -> None:
    report = check(datasets.open(write_pictures(tmp_path, USUAL)))
    assert (report.ok, report.problems) == (True, ())
    assert (report.classes, report.num_images) == ({"a": 7, "b": 5}, 12)


def test_case_d5_every_bad_picture_is_found_by_name(tmp_path: Path) -> None:
    write_pictures(tmp_path, USUAL)
    (tmp_path / "train/a/cut.jpg").write_bytes(encode(noise(64, 64))[:-400])
    (tmp_path / "train/a/empty.jpg").write_bytes(b"")
    (tmp_path / "val/b/text.png").write_text("no picture")
    (tmp_path / "val/b/page.jpg").write_text("<html>404</html>")
    report = check(datasets.open(tmp_path))
    assert [(p.kind, p.file) for p in report.problems] == [
        ("truncated", "train/a/cut.jpg"),
        ("not_a_picture", "train/a/empty.jpg"),
        ("not_a_picture", "val/b/page.jpg"),
        ("not_a_picture", "val/b/text.png"),
    ]
    assert (report.ok, report.num_images) == (False, 12)
    assert report.classes == {"a": 7, "b": 5}


def test_case_d8_extra_and_single_classes_are_errors_and_empty_ones_are_not(tmp_path: Path) -> None:
    assert _found(write_pictures(tmp_path / "1", {**USUAL, "val/z": 1})) == {("extra_class", "z", "error")}
    assert _found(write_pictures(tmp_path / "2", {**USUAL, "train/c": 0})) == {("empty_class", "c", "warning")}
    assert _found(write_pictures(tmp_path / "4", {"train/a": 2, "train/c": 0, "val/a": 1})) == {
        ("empty_class", "c", "warning"),
        ("one_class", "a", "error"),
    }
    assert _found(write_pictures(tmp_path / "3", {"train/a": 2, "val/a": 1})) == {("one_class", "a", "error")}


def test_the_same_bytes_in_two_splits_or_classes_are_a_warning(tmp_path: Path) -> None:
    write_pictures(tmp_path, USUAL)
    content = (tmp_path / "train/a/000.png").read_bytes()
    for name in ("val/a/copy.png", "train/b/copy.png", "train/a/copy.png"):
        (tmp_path / name).write_bytes(content)
    report = check(datasets.open(tmp_path))
    assert report.ok
    assert [(p.kind, p.file, p.detail) for p in report.problems] == [
        ("duplicate", "train/b/copy.png", "the same bytes as train/a/000.png: as 'a' and 'b'"),
        ("duplicate", "val/a/copy.png", "the same bytes as train/a/000.png: in train and val"),
    ]


def test_tiny_pictures_rare_classes_and_stray_files_are_warnings(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"train/a": 20, "train/rare": 2, "val/a": 1})
    (tmp_path / "val/a/dot.png").write_bytes(encode(noise(1, 1), "PNG"))
    (tmp_path / "val/a/notes.txt").write_text("x")
    (tmp_path / "README.md").write_text("about")
    assert _found(tmp_path) == {
        ("stray", "val/a/notes.txt", "warning"),
        ("unbalanced", "rare", "warning"),
        ("tiny", "val/a/dot.png", "warning"),
    }
    assert check(datasets.open(tmp_path)).ok


def test_a_set_for_evaluation_alone_is_ok(tmp_path: Path) -> None:
    report = check(datasets.open(write_pictures(tmp_path, {"val/a": 2, "val/b": 2})))
    assert (report.ok, report.problems, report.num_images) == (True, (), 4)
