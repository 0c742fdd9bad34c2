"""Try a picture: from a file or the camera, through the bundle's own file."""

from __future__ import annotations

from typing import Any, cast

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from edgesmith.core.errors import EdgesmithError
from edgesmith.core.units import format_bytes
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.manifest import FileRecord
from edgesmith.report.bars import draw_bar
from edgesmith.report.pictures import embed_jpeg
from edgesmith.runtimes.table import RUNTIMES
from edgesmith.web.answers import Answer, Answerer
from edgesmith.web.bundle_files import find_file
from edgesmith.web.forms import file_of, read_form, text_of
from edgesmith.web.render import render
from edgesmith.web.state import config_of, require_bundle

router = APIRouter()


@router.get("/try/{name:path}")
def ask(request: Request, name: str) -> Response:
    """The form."""
    return _page(request, name, require_bundle(request, name))


@router.post("/try/{name:path}")
async def answer(request: Request, name: str) -> Response:
    """The answer, under the form."""
    bundle = await run_in_threadpool(require_bundle, request, name)
    answerer = cast("Answerer", request.app.state.answerer)
    async with read_form(request) as form:
        file, wanted = file_of(form, "picture"), text_of(form, "file")
        if file is None:
            return _page(request, name, bundle, problem="Choose a picture first.", status=400)
        if (file.size or 0) > config_of(request).max_picture_bytes:
            limit = format_bytes(config_of(request).max_picture_bytes)
            return _page(request, name, bundle, problem=f"A picture may have {limit} at most.", status=413)
        content = await file.read()
    record = next((each for each in _choices(bundle) if each.path == wanted), None) or next(
        iter(_choices(bundle)), None
    )
    if record is None:
        return _page(request, name, bundle, problem="No file of this bundle can be run here.", status=400)
    try:
        found = await run_in_threadpool(answerer.answer, bundle, record, content)
    except EdgesmithError as error:
        return _page(request, name, bundle, problem=str(error), wanted=record.path, status=400)
    return _page(request, name, bundle, answer=found, wanted=record.path)


def _choices(bundle: Bundle) -> list[FileRecord]:
    """Files that a runtime of this machine may run; which of them is installed, loading tells."""
    suffixes = {runtime.suffix for runtime in RUNTIMES.values()}
    files = [record for record in bundle.manifest.files if find_file(bundle, record.path) is not None]
    return [record for record in files if bundle.path(record).suffix in suffixes]


def _page(
    request: Request,
    name: str,
    bundle: Bundle,
    *,
    answer: Answer | None = None,
    problem: str = "",
    wanted: str = "",
    status: int = 200,
) -> Response:
    values: dict[str, Any] = {
        "here": "/bundles",
        "name": name,
        "manifest": bundle.manifest,
        "choices": _choices(bundle),
        "wanted": wanted,
        "problem": problem,
        "answer": answer,
        "picture": None if answer is None else embed_jpeg(answer.jpeg),
        "bar": lambda share: draw_bar(share, kind="score"),
    }
    return render(request, "try.html", values, status=status)
