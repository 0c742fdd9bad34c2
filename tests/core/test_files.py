from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest

from edgesmith.core.errors import RunError
from edgesmith.core.files import (
    append_line,
    atomic_file,
    atomic_folder,
    read_json,
    read_lines,
    sha256_file,
    write_json,
    write_text,
)


def full_disk() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_written_file_stands_alone(tmp_path: Path) -> None:
    write_json(tmp_path / "deep" / "x.json", {"a": [1, "é"]})
    assert read_json(tmp_path / "deep" / "x.json") == {"a": [1, "é"]}
    assert entries(tmp_path / "deep") == ["x.json"]


def write_half(path: Path, error: BaseException) -> None:
    with atomic_file(path) as temporary:
        temporary.write_bytes(b"half")
        raise error


def write_half_a_folder(path: Path) -> None:
    with atomic_folder(path) as folder:
        (folder / "new.txt").write_text("2")
        raise full_disk()


def test_a_full_disk_leaves_nothing_under_the_final_name(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"the disk is full: .*model.onnx was not written; free some space") as caught:
        write_half(tmp_path / "model.onnx", full_disk())
    assert "\n" not in str(caught.value)
    assert entries(tmp_path) == []


def test_a_full_disk_while_flushing_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    write_text(path, "old")

    def fail(_descriptor: int) -> None:
        raise full_disk()

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunError, match="the disk is full"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert entries(tmp_path) == ["run.json"]


def test_any_other_failure_leaves_nothing_either(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path / "x", ZeroDivisionError())
    with pytest.raises(TypeError):
        write_json(tmp_path / "y.json", {"a": object()})
    assert entries(tmp_path) == []


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written: "):
        write_text(tmp_path / "file" / "x", "text")


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    with atomic_folder(bundle) as folder:
        (folder / "old.txt").write_text("1")
    with pytest.raises(RunError, match="the disk is full"):
        write_half_a_folder(bundle)
    assert entries(bundle) == ["old.txt"]
    with atomic_folder(bundle) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "new.txt").write_text("2")
    assert entries(bundle) == ["sub"]
    assert entries(tmp_path) == ["bundle"]


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    """A write cut off by a kill or a full disk; what the next process appends stays whole."""
    log = tmp_path / "events.jsonl"
    append_line(log, '{"step": 1}')
    with log.open("ab") as file:
        file.write('{"step": 2, "note": "é'.encode()[:-1])
    append_line(log, '{"step": 3}')
    append_line(log, '{"step": 4, "note": "line\u2028separator"}')
    assert [event["step"] for event in read_lines(log)] == [1, 3, 4]


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "none.jsonl") == []


def test_appending_to_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise full_disk()

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(RunError, match="the disk is full"):
        append_line(tmp_path / "events.jsonl", "{}")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_files_that_are_no_json(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(RunError, match=r"x.json cannot be read as JSON") as caught:
        read_json(tmp_path / "x.json")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named_with_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=f"no such file: {tmp_path}/x.json"):
        read_json(Path("x.json"))


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_file(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()


def test_json_files_are_readable_by_people(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"b": 1, "a": 2})
    text = (tmp_path / "x.json").read_text()
    assert text.endswith("}\n")
    assert text.splitlines()[1] == '  "b": 1,'
    assert list(json.loads(text)) == ["b", "a"]
