"""Every error that edgesmith raises on purpose, as one small tree.

A message is one line: the value that was wrong, the choices, the way out. The command line prints it and exits
with the class's ``exit_code``; anything that is not an `EdgesmithError` is a fault of ours.
"""

from __future__ import annotations


class EdgesmithError(Exception):
    """Base of all errors raised on purpose; the work failed (exit code 1)."""

    exit_code: int = 1


class UsageError(EdgesmithError):
    """A value that the user typed is not one we know (exit code 2)."""

    exit_code = 2


class SpecError(EdgesmithError):
    """A network description is not legal; the message names the block."""


class DataError(EdgesmithError):
    """Pictures or labels cannot be used; the message names the file or folder."""


class WeightsError(EdgesmithError):
    """Weights do not fit the network that they were offered to."""


class DeviceError(EdgesmithError):
    """A device or its runtime cannot load, run or time a file."""


class ExportError(EdgesmithError):
    """A model file could not be made, or it does not agree with its source."""


class BudgetError(EdgesmithError):
    """No candidate can meet the budget; the message names the nearest."""


class RunError(EdgesmithError):
    """A run folder cannot be written, resumed or understood, or the run itself failed."""


class MissingExtraError(EdgesmithError):
    """An optional package is not installed; the message names the extra that brings it."""


def first_line(error: BaseException) -> str:
    """What another library's error says, in one line; its name where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
