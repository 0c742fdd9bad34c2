"""Files on their way from a measuring process to a page: in memory, named by nothing but their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from edgesmith.devices.agent.protocol import Content, Problem, RefusedError


class Passage:
    """Holds files up to a limit; the least recently used go first.

    Args:
        max_file_bytes: Largest file.
        max_total_bytes: All files together.
    """

    def __init__(self, *, max_file_bytes: int, max_total_bytes: int) -> None:
        self._max_file_bytes = max_file_bytes
        self._max_total_bytes = max_total_bytes
        self._files: dict[str, bytes] = {}

    def missing(self, contents: Iterable[Content]) -> tuple[str, ...]:
        """Which files of a job are not here; those that are stay while there is room for all of them together.

        Raises:
            RefusedError: One is too large, or all together are.
        """
        wanted = list(contents)
        for content in wanted:
            self._check_size(content.bytes)
        total = sum(content.bytes for content in wanted)
        if total > self._max_total_bytes:
            raise RefusedError(
                Problem.SIZE,
                f"the files of this job have {total / 1e6:.0f} MB together, and browsers are sent at most "
                f"{self._max_total_bytes / 1e6:.0f} MB; measure fewer files side by side",
            )
        for content in wanted:
            if content.sha256 in self._files:
                self._files[content.sha256] = self._files.pop(content.sha256)
        return tuple(content.sha256 for content in wanted if content.sha256 not in self._files)

    def put(self, sha256: str, data: bytes) -> None:
        """Take a file in.

        Raises:
            RefusedError: It is too large, or has another digest.
        """
        self._check_size(len(data))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise RefusedError(Problem.HASH, "the file has another SHA-256 than announced")
        self._files.pop(sha256, None)
        while self._files and sum(map(len, self._files.values())) + len(data) > self._max_total_bytes:
            del self._files[next(iter(self._files))]
        self._files[sha256] = data

    def get(self, sha256: str) -> bytes:
        """A file.

        Raises:
            RefusedError: It is not here.
        """
        if sha256 not in self._files:
            raise RefusedError(Problem.UNKNOWN, "this file is not here any more")
        return self._files[sha256]

    def _check_size(self, size: int) -> None:
        if size > self._max_file_bytes:
            raise RefusedError(
                Problem.SIZE,
                f"a file of {size / 1e6:.0f} MB is over the limit of {self._max_file_bytes / 1e6:.0f} MB for browsers",
            )
