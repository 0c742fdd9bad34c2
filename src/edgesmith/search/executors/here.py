"""One job after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from edgesmith.core.errors import EdgesmithError
from edgesmith.search.executors.base import Answer, Done, Job


@dataclass(frozen=True, kw_only=True)
class Here:
    """Runs jobs in the process that asks, in their order."""

    slots: int = 1

    def run(self, work: Callable[[Job], Answer], jobs: Iterable[Job]) -> Iterator[Done[Answer]]:
        """See `Executor.run`."""
        for number, job in enumerate(jobs):
            try:
                yield Done(number=number, answer=work(job))
            except EdgesmithError as error:
                yield Done(number=number, failure=str(error))

    def close(self) -> None:
        """There is nothing to end."""
