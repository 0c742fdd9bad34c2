"""Files that clients sent, named by nothing but their SHA-256."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from edgesmith.devices.agent.protocol import SHA256, Content, Problem, RefusedError
from edgesmith.devices.agent.shelf import Shelf

_CHUNK: Final = 1 << 20


class Store:
    """A folder of files up to a limit; the least recently used go first. One caller at a time.

    Args:
        folder: Where they lie; made here.
        max_file_bytes: Largest file.
        max_total_bytes: All files together.
    """

    def __init__(self, folder: Path, *, max_file_bytes: int, max_total_bytes: int) -> None:
        folder.mkdir()
        self._folder = folder
        self._shelf = Shelf(
            max_file_bytes=max_file_bytes,
            max_total_bytes=max_total_bytes,
            file_way_out="start the agent with a larger --max-file",
            total_way_out="start the agent with a larger --cache",
        )

    def require(self, contents: Iterable[Content]) -> None:
        """Make sure that files are here, and stay while there is room for them together.

        Raises:
            RefusedError: One is too large, or all together are, or some are missing.
        """
        missing = self._shelf.missing(contents)
        if missing:
            raise RefusedError(Problem.MISSING, f"{len(missing)} files must be sent first", missing=missing)

    def receive(self, sha256: str, stream: BinaryIO, length: int) -> None:
        """Take in a file.

        Args:
            sha256: Its digest, as the client says.
            stream: Where its bytes come from.
            length: How many they are, as the client says.

        Raises:
            RefusedError: It is too large, is cut short, has another digest, or finds no room; nothing is kept.
        """
        if not re.fullmatch(SHA256, sha256):
            raise RefusedError(Problem.REQUEST, "a file is named by the 64 hex digits of its SHA-256")
        self._shelf.check_size(length)
        for gone in self._shelf.make_room(length):
            (self._folder / gone).unlink(missing_ok=True)
        arriving = self._folder / "arriving"
        try:
            self._copy(stream, arriving, sha256, length)
            arriving.replace(self._folder / sha256)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise RefusedError(Problem.SPACE, "the disk of the agent's machine is full") from None
            raise RefusedError(Problem.REQUEST, f"the file did not arrive whole: {error}") from None
        finally:
            with suppress(OSError):
                arriving.unlink(missing_ok=True)
        self._shelf.add(sha256, length)

    def _copy(self, stream: BinaryIO, target: Path, sha256: str, length: int) -> None:
        digest, remaining = hashlib.sha256(), length
        with target.open("wb") as file:
            while remaining:
                chunk = stream.read(min(_CHUNK, remaining))
                if not chunk:
                    raise RefusedError(Problem.REQUEST, f"the file is cut short: {remaining} of {length} bytes missing")
                digest.update(chunk)
                file.write(chunk)
                remaining -= len(chunk)
        if digest.hexdigest() != sha256:
            raise RefusedError(
                Problem.HASH, f"the file has another SHA-256 than announced ({digest.hexdigest()}, not {sha256})"
            )
