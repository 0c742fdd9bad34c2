"""What an executor is: it runs independent jobs and hands back results as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")


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

    def run(self, work: Callable[[Job], Answer], jobs: Sequence[Job]) -> Iterator[Done[Answer]]:
        """Run all jobs; each is handed back when it is done, in any order.

        Args:
            work: A module's function, or a dataclass with ``__call__``: other processes must be able to import it.
            jobs: Plain values that can be pickled, as can the answers.
        """
