from __future__ import annotations

import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesmith.core.errors import DataError
from edgesmith.data import archives
from edgesmith.data.archives import TarSource, ZipSource
from tests.data.builders import tar_folder, write_pictures, zip_folder


def _tar_with(path: Path, member: tarfile.TarInfo, content: bytes = b"") -> Path:
    with tarfile.open(path, "w") as packed:
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    return path


def _zip_with(path: Path, name: str, *, mode: int = 0o644) -> Path:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(info, b"x")
    return path


@pytest.mark.parametrize("name", ["../a.jpg", "/etc/a.jpg", "a/../../b.jpg", "C:\\a.jpg", "..\\a.jpg"])
def test_paths_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leaves the archive"):
        ZipSource(_zip_with(tmp_path / "bad.zip", name))
    with pytest.raises(DataError, match="leaves the archive"):
        TarSource(_tar_with(tmp_path / "bad.tar", tarfile.TarInfo(name), b"x"), compressed=False)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("a/x.jpg")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(DataError, match=r"'a/x\.jpg', a link or device"):
        TarSource(_tar_with(tmp_path / "bad.tar", member), compressed=False)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'a/x\.jpg', a link"):
        ZipSource(_zip_with(tmp_path / "bad.zip", "a/x.jpg", mode=0o120777))


def test_an_encrypted_zip_says_so(tmp_path: Path) -> None:
    path = _zip_with(tmp_path / "locked.zip", "a/x.jpg")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="is encrypted"):
        ZipSource(path)


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
def test_an_archive_that_grows_too_far_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1 << 20)
    path = tmp_path / name
    content = bytes(1 << 23)
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("a/x.bmp", content)
    else:
        with tarfile.open(path, "w:gz") as tar:
            member = tarfile.TarInfo("a/x.bmp")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(DataError, match="more than 100 times its size"):
        ZipSource(path) if name.endswith(".zip") else TarSource(path, compressed=True)


def test_one_huge_file_is_refused_when_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 10)
    folder = write_pictures(tmp_path / "set", {"a": 1})
    source = ZipSource(zip_folder(folder, tmp_path / "set.zip"))
    with pytest.raises(DataError, match=r"a/000\.png unpacks to \d+ bytes; the limit for one file is 10"):
        source.read("a/000.png")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut"])
@pytest.mark.parametrize(
    "opener",
    [ZipSource, lambda path: TarSource(path, compressed=False), lambda path: TarSource(path, compressed=True)],
    ids=["zip", "tar", "gz"],
)
def test_what_is_no_archive_is_named(tmp_path: Path, opener: Callable[[Path], object], content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"file is not a (zip|tar) archive, or it is damaged"):
        opener(path)


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "set", {"a": 1})
    path = zip_folder(folder, tmp_path / "set.zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"\x89PNG") + 60] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"cannot read .*set\.zip:a/000\.png: Bad CRC-32"):
        ZipSource(path).read("a/000.png")


def test_a_tar_cut_short_names_the_file(tmp_path: Path) -> None:
    path = tar_folder(write_pictures(tmp_path / "set", {"a": 1}), tmp_path / "set.tar")
    source = TarSource(path, compressed=False)
    os.truncate(path, source._members["set/a/000.png"][0] + 10)
    with pytest.raises(DataError, match=r"set/a/000\.png: the archive ends before the file does"):
        source.read("set/a/000.png")


@pytest.mark.parametrize("name", ["set.zip", "set.tar", "set.tgz"])
def test_sources_survive_a_fork_and_a_pickle(tmp_path: Path, name: str) -> None:
    folder = write_pictures(tmp_path / "set", {"a": 3})
    pack = zip_folder if name.endswith("zip") else tar_folder
    path = pack(folder, tmp_path / name, prefix="set/")
    source = ZipSource(path) if name.endswith("zip") else TarSource(path, compressed=name.endswith("gz"))
    expected = [source.read(member) for member in source.names()]
    copy = pickle.loads(pickle.dumps(source))
    assert [copy.read(member) for member in copy.names()] == expected
    child = os.fork()
    if child == 0:
        os._exit(0 if [source.read(member) for member in source.names()] == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
