"""A library's own download of its weights, with one line where it fails."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import TypeVar

from edgesmith.core.errors import WeightsError, first_line

T = TypeVar("T")


def fetch(download: Callable[[], T], what: str) -> T:
    """Run a download of the library that owns the weights.

    Args:
        download: Downloads, or finds what was downloaded before.
        what: What messages call it.

    Raises:
        WeightsError: There is no way to the server, or what came is damaged.
    """
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # libraries report where they look
            return download()
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"the weights of {what} could not be downloaded ({first_line(error)}); connect to the internet, give "
            f"a file that you have, or begin from scratch with --weights none"
        ) from error
