from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.core.errors import DataError
from edgesmith.data.sources import FolderSource, open_source
from tests.data.builders import tar_folder, write_pictures, zip_folder


@pytest.mark.parametrize("name", ["set.zip", "set.tar", "set.tar.gz", "set.tgz"])
def test_archive_gives_the_names_and_bytes_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = write_pictures(tmp_path / "set", {"a": 2, "b": 1, "c": 0})
    pack = zip_folder if name.endswith("zip") else tar_folder
    archive = open_source(pack(folder, tmp_path / name, prefix="set/"))
    plain = FolderSource(folder)
    assert list(plain.names()) == ["a/000.png", "a/001.png", "b/000.png"]
    assert list(archive.names()) == [f"set/{file}" for file in plain.names()]
    assert list(archive.folders()) == ["set", "set/a", "set/b", "set/c"]
    assert [archive.read(f"set/{file}") for file in plain.names()] == [plain.read(file) for file in plain.names()]


def test_a_folder_that_holds_one_archive_is_that_archive(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "set", {"a": 1})
    (tmp_path / "download").mkdir()
    (tmp_path / "download" / "README.md").write_text("about")
    archive = zip_folder(folder, tmp_path / "download" / "set.zip")
    assert open_source(tmp_path / "download").location == archive


def test_two_archives_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=r"2 archives \(one\.zip, two\.zip\)"):
        open_source(tmp_path)


def test_case_c4_the_absolute_path_tried_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowers").mkdir()
    with pytest.raises(DataError, match="no such folder or archive") as caught:
        open_source("flower")
    assert str(tmp_path / "flower") in str(caught.value)
    assert f"did you mean {tmp_path / 'flowers'}?" in str(caught.value)


def test_case_c4_spaces_home_links_and_backslashes_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_pictures(tmp_path / "my set" / "data", {"a": 1})
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    monkeypatch.chdir(tmp_path / "my set")
    for spelled in ("~/my set/data", str(tmp_path / "link"), "data", f"{tmp_path}\\my set\\data"):
        assert list(open_source(spelled).names()) == ["a/000.png"]


def test_links_inside_are_followed_and_loops_end(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "set", {"a": 1})
    elsewhere = write_pictures(tmp_path / "elsewhere", {".": 2})
    (folder / "b").symlink_to(elsewhere, target_is_directory=True)
    (folder / "a" / "loop").symlink_to(folder, target_is_directory=True)
    assert list(FolderSource(folder).names()) == ["a/000.png", "b/000.png", "b/001.png"]


def test_hidden_files_and_system_leftovers_are_not_listed(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path, {"a": 1, ".ipynb_checkpoints": 1, "__MACOSX/a": 1})
    for name in ("a/._000.png", "a/Thumbs.db", ".DS_Store", "desktop.ini"):
        (folder / name).write_bytes(b"x")
    source = open_source(folder)
    assert list(source.names()) == ["a/000.png"]
    assert list(source.folders()) == ["a"]


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match=r"is a file; data is a folder or an archive of one \(\.zip, \.tar"):
        open_source(tmp_path / "picture.jpg")


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    source = FolderSource(tmp_path)
    with pytest.raises(DataError, match=r"cannot read .*a/gone\.jpg: No such file"):
        source.read("a/gone.jpg")
