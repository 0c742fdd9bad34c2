"""The alternate signal stack is put back, whatever was set meanwhile."""

from __future__ import annotations

import ctypes
import sys

import pytest

from edgesmith.core.signal_stack import _Stack, kept_signal_stack

SIZE = 65536


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's stacks are kept")
def test_a_stack_set_meanwhile_is_put_aside() -> None:
    change = ctypes.CDLL(None).sigaltstack
    before, after = _Stack(), _Stack()
    change(None, ctypes.byref(before))
    memory = ctypes.create_string_buffer(SIZE)
    with kept_signal_stack():
        other = _Stack(ctypes.addressof(memory), 0, SIZE)
        assert change(ctypes.byref(other), None) == 0
        change(None, ctypes.byref(after))
        assert after.pointer == ctypes.addressof(memory)
    change(None, ctypes.byref(after))
    assert (after.pointer, after.flags) == (before.pointer, before.flags)
