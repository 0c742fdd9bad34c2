"""The main thread's stack for signal handlers, kept from libraries that change it."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    """``stack_t`` of Linux."""

    _fields_ = (("pointer", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Put this thread's alternate signal stack back at the end.

    A library that sets its own, and frees it while another stack that it set still refers to it, leaves the thread
    with one that is not there: the next signal ends the process. Where it is put back, such a library finds that its
    stack is not in use and only frees it. Elsewhere than on Linux nothing is done.
    """
    if sys.platform != "linux":
        yield
        return
    before, change = _Stack(), ctypes.CDLL(None).sigaltstack
    change(None, ctypes.byref(before))
    try:
        yield
    finally:
        change(ctypes.byref(before), None)
