"""One run: live while it runs, then all that its report says."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from edgesmith.deploy.bundle import MANIFEST_NAME
from edgesmith.recipes.run_folder import BUNDLE_NAME
from edgesmith.report.curves import draw_curves
from edgesmith.report.markup import join
from edgesmith.report.masthead import show_masthead
from edgesmith.report.page import PAGE_NAME, list_contents, place_section
from edgesmith.report.sections import list_sections
from edgesmith.web.addresses import address
from edgesmith.web.places import file_inside
from edgesmith.web.render import render
from edgesmith.web.run_state import newest_events
from edgesmith.web.run_view import forecast_s, list_stages, read_report, training_panels, view_run
from edgesmith.web.state import jobs_of, require_run

router = APIRouter()

# A report's own page holds its style, and no script of any kind runs in it.
_REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


@router.get("/run/{name:path}")
def run(request: Request, name: str) -> Response:
    """One run."""
    found = require_run(request, name)
    report = read_report(found.path)
    values = _values(request, name)
    if report is None:
        return render(request, "run.html", values)
    sections = list_sections(report, link=partial(candidate_address, name))
    parts = {
        "masthead": show_masthead(report),
        "contents": list_contents(sections),
        "sections": join(place_section(section) for section in sections),
    }
    return render(request, "report.html", values | parts)


@router.get("/live/run/{name:path}")
def live(request: Request, name: str) -> Response:
    """How far it is, alone."""
    return render(request, "_run.html", _values(request, name))


@router.get("/report/{name:path}")
def report_file(request: Request, name: str) -> Response:
    """The run's own ``report.html``.

    Raises:
        HTTPException: 404 where the run has none.
    """
    path = file_inside(require_run(request, name).path, PAGE_NAME)
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type="text/html", headers={"content-security-policy": _REPORT_POLICY})


def candidate_address(name: str, number: int) -> str:
    """Where one candidate of a run is shown."""
    return address(f"candidate/{number}", name)


def _values(request: Request, name: str) -> dict[str, Any]:
    found = require_run(request, name)
    view = view_run(found, jobs_of(request))
    panels = training_panels(newest_events(found.path))
    manifest = file_inside(found.path, f"{BUNDLE_NAME}/{MANIFEST_NAME}")
    return {
        "here": "/",
        "run": view,
        "is_live": view.state.is_live,
        "stages": list_stages(found.path),
        "forecast_s": forecast_s(found.path),
        "begun_s": max(0.0, time.time() - view.state.begun_at),
        "panels": join(draw_curves(panel, identifier=f"live-{index}") for index, panel in enumerate(panels)),
        "bundle": None if manifest is None else f"{name}/{BUNDLE_NAME}",
        "has_report": file_inside(found.path, PAGE_NAME) is not None,
    }
