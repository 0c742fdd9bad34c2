"""Files on their way from a measuring process to a page: in memory, named by nothing but their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from edgesmith.devices.agent.protocol import Content, Problem, RefusedError
from edgesmith.devices.agent.shelf import Shelf


class Passage:
    """Holds files up to a limit; the least recently used go first.

    Args:
        max_file_bytes: Largest file.
        max_total_bytes: All files together.
    """

    def __init__(self, *, max_file_bytes: int, max_total_bytes: int) -> None:
        self._shelf = Shelf(
            max_file_bytes=max_file_bytes,
            max_total_bytes=max_total_bytes,
            file_way_out="browsers take no larger ones",
            total_way_out="measure fewer files side by side",
        )
        self._files: dict[str, bytes] = {}

    def missing(self, contents: Iterable[Content]) -> tuple[str, ...]:
        """As `Shelf.missing`."""
        return self._shelf.missing(contents)

    def put(self, sha256: str, data: bytes) -> None:
        """Take a file in.

        Raises:
            RefusedError: It is too large, or has another digest.
        """
        self._shelf.check_size(len(data))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise RefusedError(Problem.HASH, "the file has another SHA-256 than announced")
        for gone in self._shelf.make_room(len(data)):
            del self._files[gone]
        self._shelf.add(sha256, len(data))
        self._files[sha256] = data

    def get(self, sha256: str) -> bytes:
        """A file.

        Raises:
            RefusedError: It is not here.
        """
        if sha256 not in self._files:
            raise RefusedError(Problem.UNKNOWN, "this file is not here any more")
        return self._files[sha256]
