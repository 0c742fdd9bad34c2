"""Files that are there whole or not at all, and the small JSON helpers of run folders and bundles."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgesmith.core.errors import RunError


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it takes the final name only if the block succeeds.

    Raises:
        RunError: The disk is full or the place cannot be written; nothing is left under the final name.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        temporary.replace(path)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        with suppress(OSError):  # what went wrong has been said
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_files(path: Path) -> Iterator[Path]:
    """Yield a path of the same name in a temporary folder; what is in that folder afterwards moves beside ``path``.

    For models of several files or of a folder: all are written before the first takes its place, ``path`` the last.

    Raises:
        RunError: The disk is full or the place cannot be written; nothing was replaced.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary / path.name
        made = sorted(temporary.iterdir(), key=lambda each: each.name == path.name)
        for file in temporary.rglob("*"):
            if file.is_file():
                _flush(file)
        for each in made:
            target = path.with_name(each.name)
            if target.is_dir():
                _swap(each, target)
            else:
                each.replace(target)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``path``; it replaces ``path`` only if the block succeeds.

    Raises:
        RunError: The disk is full or the place cannot be written; a folder that was there before is still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _flush(file)
        _swap(temporary, path)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` atomically as readable JSON."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Parse a JSON file.

    Raises:
        RunError: The file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"no such file: {path.absolute()}") from None
    except (ValueError, OSError) as error:
        raise RunError(f"{path} cannot be read as JSON: {error}") from None


def append_line(path: Path, text: str) -> None:
    """Add one line to a log.

    A write that failed half-way leaves a torn last line, which `read_lines` drops; the next line begins a new one.

    Raises:
        RunError: The file cannot be written; says why.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            torn = file.tell() > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
            file.write(("\n" * torn + text + "\n").encode())
    except OSError as error:
        raise _explain(error, path) from error


def read_lines(path: Path) -> list[Any]:
    """The JSON values of a log of one value a line; a torn last line is left out."""
    if not path.is_file():
        return []
    values = []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            values.append(json.loads(line))
        except ValueError:
            continue
    return values


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_path(path: Path) -> str:
    """Hex SHA-256 of a file, or of a folder's names and contents."""
    if path.is_file():
        return sha256_file(path)
    digest = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*") if each.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_file(file)}\n".encode())
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return path.stat().st_size if path.is_file() else sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def copy_path(source: Path, target: Path) -> None:
    """Copy a file or a folder; a folder that was there before is replaced."""
    if source.is_file():
        shutil.copyfile(source, target)
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(temporary: Path, path: Path) -> None:
    """Put ``temporary`` in the place of ``path``; the old folder goes only when the new one stands."""
    if not path.exists():
        temporary.replace(path)
        return
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    path.replace(old)
    temporary.replace(path)
    shutil.rmtree(old, ignore_errors=True)


def _explain(error: OSError, path: Path) -> RunError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunError(f"the disk is full: {path} was not written; free some space and run the same command again")
    return RunError(f"{path} cannot be written: {error.strerror or error}")


def read_number(path: Path) -> float | None:
    """The number that a file of the system begins with; None where there is none."""
    try:
        return float(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
