"""The application: its routers, written out in one place, behind the gate of `security`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from edgesmith.core.errors import EdgesmithError
from edgesmith.web import assets, bundles, compare, home, job_pages, pareto, phone, runs, trying
from edgesmith.web.answers import Answerer
from edgesmith.web.config import WebConfig
from edgesmith.web.jobs import Jobs
from edgesmith.web.phone_hub import Hub
from edgesmith.web.render import render
from edgesmith.web.scan import JOBS_NAME
from edgesmith.web.security import FORM_BYTES, Guard

ROUTERS: Final[tuple[APIRouter, ...]] = (
    assets.router,
    home.router,
    runs.router,
    pareto.router,
    bundles.router,
    trying.router,
    compare.router,
    job_pages.router,
    phone.router,
)

# Bodies larger than a form's, by the beginning of the path: the attribute of the config that is their limit.
BODIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/try/": "max_picture_bytes",
        "/jobs/new/": "max_archive_bytes",
        "/hub/files/": "max_model_bytes",
        "/phone/pages/": "max_model_bytes",
    }
)

_STATIC: Final = Path(__file__).parent / "static"


def create_app(config: WebConfig) -> FastAPI:
    """The application, ready to be served or tested."""
    app = FastAPI(
        title="edgesmith", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=_life
    )
    app.state.config = config
    app.state.jobs = Jobs(config.folder / JOBS_NAME)
    app.state.answerer = Answerer()
    app.state.phones = Hub()
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_exception_handler(EdgesmithError, _told)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_middleware(Guard, config=config, limit_of=lambda path: body_limit(path, config))
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(app.state.jobs.close)


def body_limit(path: str, config: WebConfig) -> int:
    """The most bytes that a request may bring; a form's envelope comes on top of its file."""
    attribute = next((name for start, name in BODIES.items() if path.startswith(start)), None)
    return FORM_BYTES if attribute is None else int(getattr(config, attribute)) + FORM_BYTES


async def _told(request: Request, error: Exception) -> Response:
    return render(request, "error.html", {"title": "That did not work", "message": str(error)}, status=400)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    message = "There is no such page." if error.status_code == HTTPStatus.NOT_FOUND else str(error.detail)
    return render(request, "error.html", {"title": title, "message": message}, status=error.status_code)


async def _malformed(request: Request, error: Exception) -> Response:
    values = {"title": "That was not understood", "message": "The address or the form is not one of this application."}
    return render(request, "error.html", values, status=400)
