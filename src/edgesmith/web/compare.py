"""Two bundles side by side."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from edgesmith.web.bundles import BundleView, view_bundle, view_bundles
from edgesmith.web.render import render
from edgesmith.web.state import require_bundle

router = APIRouter()


@router.get("/compare")
def compare(request: Request, a: str = "", b: str = "") -> Response:
    """The choice of two, and what is known of both; intervals that were measured apart give no verdict."""
    views, _ = view_bundles(request)
    pair = [view_bundle(name, require_bundle(request, name)) for name in (a, b)] if a and b else []
    values = {"here": "/compare", "bundles": views, "pair": pair, "a": a, "b": b, "devices": _devices(pair)}
    return render(request, "compare.html", values)


def _devices(pair: list[BundleView]) -> list[str]:
    """Devices that either was measured on."""
    return list(dict.fromkeys(record.device for view in pair for record in view.latency))
