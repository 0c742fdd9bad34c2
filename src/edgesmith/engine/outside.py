"""What ends a training from outside, as one line that says what is kept and how to go on.

Pictures that are gone, a process that prepares pictures, a process that trains along: torch tells of the last two by a
`RuntimeError`, which a signal of a child may raise anywhere in a step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import torch

from edgesmith.core.errors import DataError, RunError

_GOES_ON: Final = "the same command goes on where it was"
# As torch's C++ writes them, where it takes the signal of a child, and its loader, which looks for dead children.
_WORKER: Final = re.compile(r"DataLoader worker \(pid.*?\) (?:is killed by signal: ([^.]+)|exited unexpectedly)")
_PEER: Final = re.compile(r"gloo|NCCL|[Cc]onnection (?:closed|reset) by peer|Broken pipe")
_NO_SHARED_MEMORY: Final = "Bus error"


@contextmanager
def faults_from_outside(kept: Callable[[], str] = lambda: _GOES_ON, *, in_group: bool = False) -> Iterator[None]:
    """Inside, pictures that are gone and processes that ended are errors of one line.

    Args:
        kept: Says at that moment what is not lost, and how to go on.
        in_group: Whether other processes train along, so that a broken connection means that one has ended.

    Raises:
        DataError: A picture can no longer be read.
        RunError: A process has ended.
    """
    try:
        yield
    except DataError as error:
        raise DataError(f"{error}; {kept()}") from error
    except RuntimeError as error:
        told = _worker_words(str(error))
        if told is None and in_group and _is_of_group(error):
            told = "another of the processes that train together has ended"
        if told is None:
            raise
        raise RunError(f"{told}; {kept()}") from error


def _worker_words(text: str) -> str | None:
    found = _WORKER.search(text)
    if found is None:
        return None
    signal = found.group(1)
    if signal is None:
        return "a loader worker, which prepares pictures, ended unexpectedly"
    if signal == _NO_SHARED_MEMORY:
        why = "as a rule because shared memory (/dev/shm) is full: fewer workers or smaller batches need less"
    else:
        why = "as a rule for lack of memory: fewer workers, such as --set workers=1, need less"
    return f"a loader worker, which prepares pictures, was killed ({signal}), {why}"


def _is_of_group(error: RuntimeError) -> bool:
    return isinstance(error, torch.distributed.DistError) or bool(_PEER.search(str(error)))
