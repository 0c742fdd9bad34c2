"""Other people's libraries kept from talking: what they print, warn and log."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import IO, Final

_TAIL_BYTES: Final = 4000


@contextmanager
def captured_output() -> Iterator[Callable[[], str]]:
    """Send what the process writes to its standard output and error, C++ code and children included, to a file.

    Yields:
        A function that returns the end of what was written so far.
    """
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
        for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
            stack.enter_context(_redirected(descriptor, stream, file))
        stack.enter_context(redirect_stdout(file))
        stack.enter_context(redirect_stderr(file))

        def tail() -> str:
            file.flush()
            end = os.fstat(file.fileno()).st_size
            begin = max(0, end - _TAIL_BYTES)
            return os.pread(file.fileno(), end - begin, begin).decode(errors="replace")

        yield tail


@contextmanager
def hushed() -> Iterator[None]:
    """Ignore warnings and log records below an error; put back as it was at the end."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _redirected(descriptor: int, stream: IO[str], file: IO[str]) -> Iterator[None]:
    """Point one descriptor to a file; a process that was started without it is left as it is."""
    _flush(stream)
    try:
        saved = os.dup(descriptor)
    except OSError:
        yield
        return
    os.dup2(file.fileno(), descriptor)
    try:
        yield
    finally:
        file.flush()
        os.dup2(saved, descriptor)
        os.close(saved)


def _flush(stream: IO[str] | None) -> None:
    if stream is not None and not stream.closed:
        stream.flush()
