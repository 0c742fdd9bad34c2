from __future__ import annotations

import pytest

from edgesmith.data.names import is_archive_name, is_document, is_leftover, is_picture_name, parents


@pytest.mark.parametrize("name", ["a.jpg", "a/b.JPEG", "a.webp", "a.b.png"])
def test_pictures_by_suffix(name: str) -> None:
    assert is_picture_name(name)


@pytest.mark.parametrize("name", ["a.txt", "jpg", "a.jpg.part", "labels.csv"])
def test_other_files_by_suffix(name: str) -> None:
    assert not is_picture_name(name)


def test_archives_by_suffix() -> None:
    assert [is_archive_name(name) for name in ("a.zip", "A.TAR.GZ", "a.tgz", "a.gz", "a.rar")] == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("name", [".a/b.jpg", "a/._b.jpg", "__MACOSX/a/b.jpg", "a/Thumbs.db", "a/.DS_Store"])
def test_leftovers(name: str) -> None:
    assert is_leftover(name)


def test_documents_and_parents() -> None:
    assert is_document("a/README.md")
    assert not is_document("a/notes.txt")
    assert parents("a/b/c.jpg") == ["a", "a/b"]
