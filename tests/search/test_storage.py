"""Opening a study's storage: what can be wrong with a URL, and what is said then."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesmith.core.errors import MissingExtraError, RunError, UsageError
from edgesmith.search.storage import Patience, open_storage, sqlite_url, without_password


@pytest.mark.parametrize("url", ["study.db", "sqlite:study.db", "mysql://me:secret@host/studies", "postgres"])
def test_a_url_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="a study's URL is sqlite:///FILE or postgresql://") as error:
        open_storage(url, Patience())
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host:5432/studies", "postgresql://me@host:5432/studies"),
        ("postgresql://me:sec@ret@host/studies", "postgresql://me@host/studies"),
        ("postgresql://host/studies", "postgresql://host/studies"),
        ("sqlite:///a folder/study.db", "sqlite:///a folder/study.db"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_without_its_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"psycopg is not installed; pip install 'edgesmith\[postgres\]'"):
        open_storage("postgresql://me@host/studies", Patience())


@pytest.mark.parametrize("name", ["plain.db", "with space.db", "{braces} and %.db"])
def test_a_file_may_be_called_anything(name: str, tmp_path: Path) -> None:
    open_storage(sqlite_url(tmp_path / name), Patience())
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["file", "server"])
def test_a_place_that_cannot_be_reached_is_said_in_one_line(place: str, tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "missing" / "study.db")
    if place == "server":
        pytest.importorskip("psycopg", reason="psycopg is not installed")
        url = "postgresql://me:secret@127.0.0.1:1/studies"
    with pytest.raises(RunError, match=r"the study at .* cannot be opened: ") as error:
        open_storage(url, Patience())
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.slow
def test_a_server_may_want_a_password(postgres_url: Callable[[], str]) -> None:
    url = postgres_url().replace("edgesmith@", "edgesmith:secret@")
    storage = open_storage(url, Patience())
    assert storage.get_all_studies() == []
