"""A report's content as a file, so that other pages than `report.html` can show it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import EdgesmithError, RunError
from edgesmith.core.files import read_json, write_json
from edgesmith.report.content import FitReport

REPORT_NAME: Final = "report.json"


def save(report: FitReport, path: Path) -> None:
    """Write the content atomically.

    Raises:
        RunError: The disk is full or the place cannot be written.
    """
    write_json(path, to_dict(report))


def load(path: Path) -> FitReport:
    """Read what `save` wrote.

    Raises:
        RunError: The file is missing, damaged, or of a later edgesmith.
    """
    data = read_json(path)
    try:
        if not isinstance(data, Mapping):
            raise RunError(f"{path} is not a report")
        return from_dict(FitReport, data)
    except (EdgesmithError, AssertionError, TypeError) as error:
        raise RunError(f"{path} is not a report that this edgesmith can read: {error}") from None
