"""The first page."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from edgesmith.web.render import render

router = APIRouter()


@router.get("/")
def home(request: Request) -> Response:
    """Runs, newest first."""
    return render(request, "home.html", {"here": "/"})
