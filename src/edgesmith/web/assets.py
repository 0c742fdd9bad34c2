"""The report's style sheet, which these pages share."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from edgesmith.report.page import read_style

router = APIRouter()


@router.get("/static/report.css")
def report_style() -> Response:
    """Colours, tables and plots as in ``report.html``."""
    return Response(read_style(), media_type="text/css")
