"""Where the files of a data set lie: a folder, or an archive that is read in place and never extracted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from edgesmith.core.errors import DataError
from edgesmith.core.table import closest
from edgesmith.data.archives import TarSource, ZipSource
from edgesmith.data.names import ARCHIVE_SUFFIXES, LABEL_TABLE, is_archive_name, is_leftover, is_picture_name
from edgesmith.data.remote import is_address, open_remote
from edgesmith.data.shards import ShardSource, shards_of


class Source(Protocol):
    """Files by name, without hidden ones; safe to use from threads and after a fork."""

    @property
    def location(self) -> Path:
        """Absolute path of the folder or archive."""

    def names(self) -> Sequence[str]:
        """Relative paths of all files, with ``/`` between the parts, sorted."""

    def folders(self) -> Sequence[str]:
        """Relative paths of all folders, empty ones too, sorted."""

    def read(self, name: str) -> bytes:
        """The whole file; raises `DataError` when it cannot be read."""

    def describe(self, name: str) -> str:
        """The name as a message shows it: findable, and printable on any terminal."""


class FolderSource:
    """A folder on disk; links inside it are followed, a loop of links only once."""

    def __init__(self, location: Path) -> None:
        self.location: Path = location
        self._names, self._folders = _walk(location)

    def names(self) -> Sequence[str]:
        """Files, sorted."""
        return self._names

    def folders(self) -> Sequence[str]:
        """Folders, sorted."""
        return self._folders

    def read(self, name: str) -> bytes:
        """The file's bytes, read anew at each call.

        Raises:
            DataError: It cannot be read.
        """
        try:
            return (self.location / name).read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {self.describe(name)}: {error.strerror or error}") from error

    def describe(self, name: str) -> str:
        """The absolute path."""
        return _printable(str(self.location / name))


def open_source(path: str | Path) -> Source:
    """Open a folder, an archive, the one archive that a folder holds, or its shards.

    Args:
        path: ``~``, spaces and links are fine; a relative path starts at the working directory. Or the address of
            shards elsewhere: see `edgesmith.data.remote.open_remote`.

    Raises:
        DataError: Nothing is there, or it is neither a folder nor an archive; names the absolute path that was tried.
    """
    if is_address(str(path)):
        return open_remote(str(path))
    location = _absolute(path)
    if location.is_dir():
        return _open_folder(location)
    if location.is_file():
        return _open_archive(location)
    near = closest(location.name, _siblings(location))
    hint = f"; did you mean {location.parent / near}?" if near else ""
    raise DataError(f"no such folder or archive: {_printable(str(location))}{hint}")


def absolute_data(text: str) -> str:
    """DATA of the command line as it may be kept: a path from the root on, an address as it is."""
    return text if is_address(text) else str(Path(text).expanduser().absolute())


def _open_folder(location: Path) -> Source:
    source = FolderSource(location)
    names = [name for name in source.names() if "/" not in name]
    archives = [name for name in names if is_archive_name(name)]
    has_data = bool(source.folders()) or any(is_picture_name(n) or n.lower() == LABEL_TABLE for n in names)
    if has_data or not archives:
        return source
    if shards := shards_of(archives):
        return ShardSource(location, shards)
    if len(archives) > 1:
        raise DataError(f"{location} holds {len(archives)} archives ({', '.join(archives)}); name the one to use")
    return _open_archive(location / archives[0])


def _open_archive(location: Path) -> Source:
    for suffix, opener in _OPENERS.items():
        if location.name.lower().endswith(suffix):
            return opener(location)
    raise DataError(f"{location} is a file; data is a folder or an archive of one ({', '.join(ARCHIVE_SUFFIXES)})")


def _zip(location: Path) -> Source:
    return ZipSource(location)


def _tar(location: Path) -> Source:
    return TarSource(location, compressed=False)


def _gzipped_tar(location: Path) -> Source:
    return TarSource(location, compressed=True)


_OPENERS: Final[Mapping[str, Callable[[Path], Source]]] = MappingProxyType(
    {".zip": _zip, ".tar": _tar, ".tar.gz": _gzipped_tar, ".tgz": _gzipped_tar}
)


def _absolute(path: str | Path) -> Path:
    location = Path(path).expanduser().absolute()
    if not location.exists() and "\\" in str(path):
        location = Path(str(path).replace("\\", "/")).expanduser().absolute()
    return location


def _siblings(location: Path) -> list[str]:
    try:
        return [entry.name for entry in location.parent.iterdir()]
    except OSError:
        return []


def _walk(location: Path) -> tuple[list[str], list[str]]:
    names: list[str] = []
    folders: list[str] = []
    for folder, subfolders, files in _visit(location):
        prefix = folder.relative_to(location).as_posix() + "/" if folder != location else ""
        folders += [prefix + name for name in subfolders]
        names += [prefix + name for name in files if not is_leftover(name)]
    return sorted(names), sorted(folders)


def _visit(location: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    seen: set[str] = set()

    def fail(error: OSError) -> None:
        raise DataError(f"cannot list {error.filename}: {error.strerror}") from error

    for folder, subfolders, files in os.walk(location, followlinks=True, onerror=fail):
        seen.add(os.path.realpath(folder))
        subfolders[:] = sorted(
            name for name in subfolders if not is_leftover(name) and os.path.realpath(Path(folder) / name) not in seen
        )
        yield Path(folder), subfolders, files


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
