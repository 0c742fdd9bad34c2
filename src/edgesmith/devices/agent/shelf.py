"""Which of the files that were sent are kept: up to two limits, those that were used longest ago go first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edgesmith.core.units import format_bytes
from edgesmith.devices.agent.protocol import Content, Problem, RefusedError


@dataclass(kw_only=True)
class Shelf:
    """The digests and sizes of the files that are here; where their bytes lie is its owner's business.

    Attributes:
        max_file_bytes: Largest file.
        max_total_bytes: All files together.
        file_way_out: What to do about a file that is too large.
        total_way_out: What to do about files that are too large together.
    """

    max_file_bytes: int
    max_total_bytes: int
    file_way_out: str
    total_way_out: str
    _sizes: dict[str, int] = field(default_factory=dict, init=False)

    def missing(self, contents: Iterable[Content]) -> tuple[str, ...]:
        """Which files of a job are not here; those that are stay while there is room for all of them together.

        Raises:
            RefusedError: One is too large, or all together are.
        """
        wanted = list(contents)
        for content in wanted:
            self.check_size(content.bytes)
        total = sum(content.bytes for content in wanted)
        if total > self.max_total_bytes:
            raise RefusedError(
                Problem.SIZE,
                f"the files of this job have {format_bytes(total)} together, over the limit of "
                f"{format_bytes(self.max_total_bytes)}; {self.total_way_out}",
            )
        for content in wanted:
            if content.sha256 in self._sizes:
                self._sizes[content.sha256] = self._sizes.pop(content.sha256)
        return tuple(content.sha256 for content in wanted if content.sha256 not in self._sizes)

    def check_size(self, size: int) -> None:
        """Make sure that a file is small enough.

        Raises:
            RefusedError: It is too large.
        """
        if size > self.max_file_bytes:
            raise RefusedError(
                Problem.SIZE,
                f"a file of {format_bytes(size)} is over the limit of {format_bytes(self.max_file_bytes)}; "
                f"{self.file_way_out}",
            )

    def make_room(self, size: int) -> list[str]:
        """Forget files until there is room for one more; returns the digests of those that go."""
        gone = []
        while self._sizes and sum(self._sizes.values()) + size > self.max_total_bytes:
            gone.append(next(iter(self._sizes)))
            del self._sizes[gone[-1]]
        return gone

    def add(self, sha256: str, size: int) -> None:
        """A file has come."""
        self._sizes.pop(sha256, None)
        self._sizes[sha256] = size
