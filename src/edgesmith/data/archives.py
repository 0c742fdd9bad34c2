"""Zip and tar archives read in place: no file of theirs is ever written to the disk under its own name.

Refused with the member's name: paths that leave the archive, links, devices, encrypted members, and archives that
grow far beyond what pictures do when they are unpacked.
"""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Final

from edgesmith.core.errors import DataError
from edgesmith.data.names import is_leftover, parents

MAX_FILE_BYTES: Final = 1 << 29
MAX_GROWTH: Final = 100
ALWAYS_ALLOWED_BYTES: Final = 1 << 30

_DAMAGE: Final = (
    OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error, RuntimeError, NotImplementedError, ValueError,
)  # fmt: skip


class ZipSource:
    """A ``.zip`` file, opened again in each process that reads it."""

    def __init__(self, location: Path) -> None:
        self.location: Path = location
        self._handle: tuple[int, zipfile.ZipFile] | None = None
        try:
            members = self._archive().infolist()
        except _DAMAGE as error:
            raise DataError(f"{location} is not a zip archive, or it is damaged: {error}") from error
        _refuse_growth(location, sum(member.file_size for member in members))
        for member in members:
            _refuse_zip_member(location, member)
        self._members = {clean_name(location, m.filename): m for m in members if not m.is_dir()}
        self._names, self._folders = index_names(
            self._members, [clean_name(location, m.filename) for m in members if m.is_dir()]
        )

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_handle": None}

    def names(self) -> Sequence[str]:
        """Files, sorted."""
        return self._names

    def folders(self) -> Sequence[str]:
        """Folders, sorted; also those that only a file's path tells of."""
        return self._folders

    def read(self, name: str) -> bytes:
        """The member's bytes, checked against its checksum.

        Raises:
            DataError: It cannot be unpacked; names archive and member.
        """
        member = self._members[name]
        _refuse_size(self.describe(name), member.file_size)
        try:
            return self._archive().read(member)
        except _DAMAGE as error:
            raise DataError(f"cannot read {self.describe(name)}: {error}") from error

    def describe(self, name: str) -> str:
        """Archive and member."""
        return f"{self.location}:{name}"

    def _archive(self) -> zipfile.ZipFile:
        # A handle that crossed a fork shares its file position with the parent.
        if self._handle is None or self._handle[0] != os.getpid():
            self._handle = (os.getpid(), zipfile.ZipFile(self.location))
        return self._handle[1]


class TarSource:
    """A ``.tar`` file, or a gzipped one, whose unpacked bytes are kept in a nameless temporary file."""

    def __init__(self, location: Path, *, compressed: bool) -> None:
        self.location: Path = location
        self._compressed = compressed
        try:
            self._file = self._open()
            weakref.finalize(self, self._file.close)
            members, folders = self._scan()
        except _DAMAGE as error:
            raise DataError(f"{location} is not a tar archive, or it is damaged: {error}") from error
        self._members = members
        self._names, self._folders = index_names(members, folders)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_file": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._file = self._open()
        weakref.finalize(self, self._file.close)

    def names(self) -> Sequence[str]:
        """Files, sorted."""
        return self._names

    def folders(self) -> Sequence[str]:
        """Folders, sorted; also those that only a file's path tells of."""
        return self._folders

    def read(self, name: str) -> bytes:
        """The member's bytes, read at its offset, so that threads and forked workers do not disturb each other.

        Raises:
            DataError: The archive was cut short.
        """
        offset, size = self._members[name]
        _refuse_size(self.describe(name), size)
        content = os.pread(self._file.fileno(), size, offset)
        if len(content) != size:
            raise DataError(f"cannot read {self.describe(name)}: the archive ends before the file does")
        return content

    def describe(self, name: str) -> str:
        """Archive and member."""
        return f"{self.location}:{name}"

    def _open(self) -> IO[bytes]:
        if not self._compressed:
            return self.location.open("rb")
        limit = _growth_limit(self.location)
        unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the source
        try:
            with gzip.open(self.location) as packed:
                while block := packed.read(1 << 20):
                    unpacked.write(block)
                    if unpacked.tell() > limit:
                        _refuse_growth(self.location, limit + 1)
            unpacked.flush()
        except BaseException:
            unpacked.close()
            raise
        return unpacked

    def _scan(self) -> tuple[dict[str, tuple[int, int]], list[str]]:
        members: dict[str, tuple[int, int]] = {}
        folders: list[str] = []
        self._file.seek(0)
        with tarfile.open(fileobj=self._file, mode="r:") as archive:
            for member in archive:
                name = clean_name(self.location, member.name)
                if member.isdir():
                    folders.append(name)
                elif member.isreg() and not member.issparse():
                    members[name] = (member.offset_data, member.size)
                else:
                    raise DataError(f"{self.location} holds {name!r}, a link or device; pack the files themselves")
        return members, folders


def index_names(names: Iterable[str], folders: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names and folders without leftovers, sorted; folders also where only a path tells of them."""
    kept = sorted(name for name in names if not is_leftover(name))
    above = {parent for name in kept for parent in parents(name)}
    above |= {parent for folder in folders for parent in [folder, *parents(folder)] if not is_leftover(folder)}
    return kept, sorted(above - {""})


def clean_name(location: Path, name: str) -> str:
    """A member's path with ``/`` between its parts; one that leaves the archive is refused.

    Raises:
        DataError: It leaves the archive.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts or name.startswith(("/", "\\")) or (parts and parts[0].endswith(":")):
        raise DataError(f"{location} holds {name!r}, a path that leaves the archive; pack it again with relative paths")
    return "/".join(parts)


def _refuse_zip_member(location: Path, member: zipfile.ZipInfo) -> None:
    if stat.S_ISLNK(member.external_attr >> 16):
        raise DataError(f"{location} holds {member.filename!r}, a link; pack the files themselves")
    if member.flag_bits & 1:
        raise DataError(f"{location} is encrypted ({member.filename!r}); pack it without a password")


def _refuse_size(name: str, size_bytes: int) -> None:
    if size_bytes > MAX_FILE_BYTES:
        raise DataError(f"{name} unpacks to {size_bytes} bytes; the limit for one file is {MAX_FILE_BYTES}")


def _growth_limit(location: Path) -> int:
    return max(ALWAYS_ALLOWED_BYTES, MAX_GROWTH * location.stat().st_size)


def _refuse_growth(location: Path, unpacked_bytes: int) -> None:
    if unpacked_bytes > _growth_limit(location):
        raise DataError(
            f"{location} unpacks to more than {MAX_GROWTH} times its size, which pictures never do; "
            "unpack it yourself and name the folder if you trust it"
        )
