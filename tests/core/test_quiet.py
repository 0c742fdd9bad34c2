from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings

import pytest

from edgesmith.core.quiet import captured_output, hushed


def test_what_python_c_and_children_write_is_kept_from_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with captured_output() as said:
        print("from python")
        os.write(2, b"from c\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        assert {"from python", "from c", "from a child"} <= set(said().splitlines())
    print("afterwards")
    assert capfd.readouterr() == ("afterwards\n", "")


def test_the_streams_are_put_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), captured_output():
        print("hidden", 1 / 0 if os.write(1, b"hidden") else "")
    os.write(1, b"seen\n")
    assert capfd.readouterr().out == "seen\n"


def test_warnings_and_records_below_an_error_are_ignored_inside_alone(caplog: pytest.LogCaptureFixture) -> None:
    with hushed():
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.getLogger("converter").warning("odd")
        logging.getLogger("converter").error("broken")
    assert [record.message for record in caplog.records] == ["broken"]
    with pytest.raises(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)
