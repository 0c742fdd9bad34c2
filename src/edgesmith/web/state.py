"""What the pages share: the configuration and the jobs of the application that serves a request."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request

from edgesmith.deploy.bundle import MANIFEST_NAME, Bundle, open_bundle
from edgesmith.recipes.run_folder import RUN_NAME
from edgesmith.web.config import WebConfig
from edgesmith.web.jobs import Jobs
from edgesmith.web.phone_hub import Hub
from edgesmith.web.places import file_inside, require_inside
from edgesmith.web.scan import Found


def config_of(request: Request) -> WebConfig:
    """How the application serves."""
    return cast("WebConfig", request.app.state.config)


def jobs_of(request: Request) -> Jobs:
    """Its jobs."""
    return cast("Jobs", request.app.state.jobs)


def phones_of(request: Request) -> Hub:
    """The hub of its phones; only the event loop may ask it."""
    return cast("Hub", request.app.state.phones)


def root_of(request: Request) -> Path:
    """The served folder."""
    return config_of(request).folder


def require_run(request: Request, name: str) -> Found:
    """The run of that name, or the page that says that there is none.

    Raises:
        HTTPException: 404.
    """
    path = require_inside(root_of(request), name)
    if file_inside(path, RUN_NAME) is None:
        raise HTTPException(404)
    return Found(name=name, path=path)


def require_bundle(request: Request, name: str) -> Bundle:
    """The bundle of that name, its files not verified, or the page that says that there is none.

    Raises:
        RunError: Its manifest is damaged.
    """
    path = require_inside(root_of(request), name)
    if file_inside(path, MANIFEST_NAME) is None:
        raise HTTPException(404)
    return open_bundle(path, verify=False)
