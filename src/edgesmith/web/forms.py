"""Reading forms: few fields, one file, nothing kept beyond the request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

_MOST_FIELDS = 40
_MOST_FILES = 2
_PART_BYTES = 100_000


@asynccontextmanager
async def read_form(request: Request) -> AsyncIterator[FormData]:
    """The form of a request; files in it lie in nameless temporary files, which go with the block.

    Raises:
        HTTPException: 400 where it is no form.
    """
    try:
        form = await request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=_PART_BYTES)
    except (UnicodeError, ValueError):  # of a part's headers, which are the client's
        raise HTTPException(400, "The form cannot be read.") from None
    try:
        yield form
    finally:
        await form.close()


def text_of(form: FormData, name: str) -> str:
    """A field's text without spaces around it; empty where it is missing."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def file_of(form: FormData, name: str) -> UploadFile | None:
    """The first file of a field that is not empty; forms send one without a name where nothing was chosen."""
    files = [value for value in form.getlist(name) if isinstance(value, UploadFile)]
    return next((file for file in files if file.size), None)
