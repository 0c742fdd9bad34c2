"""The first page: all runs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from edgesmith.web.render import render
from edgesmith.web.run_view import view_runs
from edgesmith.web.state import jobs_of, root_of

router = APIRouter()


@router.get("/")
def home(request: Request) -> Response:
    """Runs, the newest first, and how far those are that run."""
    return render(request, "home.html", {"here": "/", **_values(request)})


@router.get("/live/home")
def live(request: Request) -> Response:
    """The list alone."""
    return render(request, "_runs.html", _values(request))


def _values(request: Request) -> dict[str, Any]:
    runs, problems = view_runs(root_of(request), jobs_of(request))
    job = jobs_of(request).running()
    is_live = job is not None or any(run.state.is_live for run in runs)
    return {"runs": runs, "problems": problems, "job": job, "is_live": is_live}
