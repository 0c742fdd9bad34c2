from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from edgesmith.devices.agent.protocol import Content, Problem, RefusedError
from edgesmith.devices.agent.store import Store


def content(data: bytes) -> Content:
    return Content(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def send(store: Store, data: bytes) -> None:
    store.receive(content(data).sha256, io.BytesIO(data), len(data))


def held(folder: Path) -> set[bytes]:
    return {file.read_bytes() for file in folder.iterdir()}


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    store = Store(tmp_path / "files", max_file_bytes=10, max_total_bytes=10)
    for data in (b"aaaa", b"bbbb"):
        send(store, data)
    store.require([content(b"aaaa")])
    send(store, b"cccc")
    assert held(tmp_path / "files") == {b"aaaa", b"cccc"}
    with pytest.raises(RefusedError) as caught:
        store.require([content(b"aaaa"), content(b"bb")])
    assert caught.value.missing == (content(b"bb").sha256,)
    send(store, b"bb")
    store.require([content(b"aaaa"), content(b"bb")])
    assert held(tmp_path / "files") == {b"aaaa", b"bb", b"cccc"}


@pytest.mark.parametrize(
    ("name", "data", "length", "problem"),
    [
        (content(b"x").sha256, b"y", 1, Problem.HASH),
        (content(b"x").sha256, b"", 1, Problem.REQUEST),
        (content(b"x").sha256, b"x" * 11, 11, Problem.SIZE),
        ("../x", b"x", 1, Problem.REQUEST),
        ("", b"x", 1, Problem.REQUEST),
    ],
)
def test_a_refused_file_leaves_nothing(tmp_path: Path, name: str, data: bytes, length: int, problem: Problem) -> None:
    store = Store(tmp_path / "files", max_file_bytes=10, max_total_bytes=20)
    with pytest.raises(RefusedError) as caught:
        store.receive(name, io.BytesIO(data), length)
    assert caught.value.problem is problem
    assert list((tmp_path / "files").iterdir()) == []
    assert [file.name for file in tmp_path.iterdir()] == ["files"]


def test_a_damaged_second_copy_does_not_harm_the_first(tmp_path: Path) -> None:
    store = Store(tmp_path / "files", max_file_bytes=10, max_total_bytes=20)
    send(store, b"good")
    with pytest.raises(RefusedError):
        store.receive(content(b"good").sha256, io.BytesIO(b"evil"), 4)
    store.require([content(b"good")])
    assert held(tmp_path / "files") == {b"good"}
