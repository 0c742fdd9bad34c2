"""Somebody else's converter, kept quiet, whose failures become one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgesmith.core.errors import EdgesmithError, ExportError
from edgesmith.core.quiet import captured_output, hushed

_LONGEST: int = 200


@contextmanager
def converting(format_name: str) -> Iterator[None]:
    """Run a converter without its remarks; what matters is checked on the file.

    Raises:
        ExportError: The converter failed; has the first line of its reason.
    """
    with captured_output() as said, hushed():
        try:
            yield
        except EdgesmithError:
            raise
        except (Exception, SystemExit) as error:  # converters and their passes raise what they like
            raise ExportError(f"this module cannot be converted to {format_name}: {_reason(error, said())}") from error


def _reason(error: BaseException, said: str) -> str:
    lines = [line.strip() for line in (str(error) or said).splitlines() if line.strip()]
    return lines[0][:_LONGEST] if lines else type(error).__name__
