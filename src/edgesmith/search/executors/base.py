"""What an executor is: it runs independent jobs and hands back results as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")

MAX_DEATHS: Final = 2
"""So many workers may a job cost before it is given up."""

DIED: Final = "its worker died twice"


@dataclass(frozen=True, kw_only=True)
class Done(Generic[Answer]):
    """A job that came to an end.

    Attributes:
        number: Its place among the jobs, from 0.
        answer: What it returned; None where it was given up.
        failure: Why it was given up, in one line; None where it was not.
    """

    number: int
    answer: Answer | None = None
    failure: str | None = None


class Executor(Protocol):
    """Runs jobs.

    A job that raises an `EdgesmithError` is given up at once, with that error's line. One whose worker dies is tried
    once more, then given up. Any other exception is a defect of ours: it ends the run.
    """

    @property
    def slots(self) -> int:
        """How many jobs run at a time."""

    def run(self, work: Callable[[Job], Answer], jobs: Iterable[Job]) -> Iterator[Done[Answer]]:
        """Run all jobs; each is handed back when it is done, in any order.

        Args:
            work: A module's function, or a dataclass with ``__call__``: other processes must be able to import it.
            jobs: Plain values that can be pickled, as can the answers. The next one is taken only when a slot is free
                for it, so they may come from a queue that others empty as well.
        """

    def close(self) -> None:
        """End the workers, and the jobs that they run; may be called twice."""
