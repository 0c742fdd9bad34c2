"""Jobs: start one, watch it, stop it, go on with it, forget it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edgesmith.core.errors import EdgesmithError, UsageError
from edgesmith.recipes.effort import EFFORTS
from edgesmith.web.bundles import view_bundles
from edgesmith.web.device_choices import choose_device, list_choices
from edgesmith.web.forms import file_of, read_form, text_of
from edgesmith.web.job_plans import Material, find_material, plan_check, plan_fit, plan_measure
from edgesmith.web.job_results import show_result
from edgesmith.web.jobs import LOG_NAME, OUTPUT_NAME, Job, shown_command
from edgesmith.web.phone_state import Page
from edgesmith.web.places import file_inside
from edgesmith.web.render import render
from edgesmith.web.scan import list_data
from edgesmith.web.state import config_of, jobs_of, phones_of, root_of
from edgesmith.web.states import State
from edgesmith.web.uploads import keep_archive

router = APIRouter()

_FIT_FIELDS: Final = ("budget", "device", "threads", "effort", "time", "weights", "name")
_TAIL_BYTES: Final = 20_000
_MOST_OUTPUT_BYTES: Final = 20_000_000


@router.get("/jobs")
async def jobs(request: Request, verb: str = "fit") -> Response:
    """The forms, and all jobs."""
    phones = phones_of(request).pages()
    return await run_in_threadpool(_forms, request, phones, verb=verb if verb in _PLANS else "fit")


@router.post("/jobs/new/{verb}")
async def start(request: Request, verb: str) -> Response:
    """Start a job; what is wrong is said above its form, which keeps what was typed.

    Raises:
        HTTPException: 404 where there is no such kind of job.
    """
    if verb not in _PLANS:
        raise HTTPException(404)
    phones = phones_of(request).pages()
    async with read_form(request) as form:
        try:
            job = await run_in_threadpool(_start, request, phones, verb, form)
        except EdgesmithError as error:
            return await run_in_threadpool(
                _forms, request, phones, verb=verb, problem=str(error), form=form, status=400
            )
    return RedirectResponse(f"/jobs/{job.key}", status_code=303)


@router.get("/jobs/{key}")
def job(request: Request, key: str) -> Response:
    """One job."""
    return render(request, "job.html", _values(request, _require(request, key)))


@router.get("/live/job/{key}")
def live(request: Request, key: str) -> Response:
    """How far it is, alone."""
    return render(request, "_job.html", _values(request, _require(request, key)))


@router.post("/jobs/{key}/stop")
def stop(request: Request, key: str) -> Response:
    """End it and all its processes."""
    jobs_of(request).stop(_require(request, key))
    return RedirectResponse(f"/jobs/{key}", status_code=303)


@router.post("/jobs/{key}/resume")
def resume(request: Request, key: str) -> Response:
    """Run the same command again, which goes on where it was."""
    jobs_of(request).start(_require(request, key))
    return RedirectResponse(f"/jobs/{key}", status_code=303)


@router.post("/jobs/{key}/remove")
def remove(request: Request, key: str) -> Response:
    """Forget it and what was sent for it."""
    jobs_of(request).remove(_require(request, key))
    return RedirectResponse("/jobs", status_code=303)


def _require(request: Request, key: str) -> Job:
    found = jobs_of(request).get(key)
    if found is None:
        raise HTTPException(404)
    return found


def _start(request: Request, phones: Sequence[Page], verb: str, form: FormData) -> Job:
    known = jobs_of(request)
    key = known.new_folder()
    try:
        job = _PLANS[verb](request, phones, key, form)
        known.start(job)
    except BaseException:
        shutil.rmtree(known.path(key), ignore_errors=True)
        raise
    return job


def _material(request: Request, key: str, form: FormData) -> Material:
    config, file = config_of(request), file_of(form, "archive")
    if file is None:
        name = text_of(form, "data")
        if not name:
            raise UsageError("choose pictures from the list, or send an archive of them")
        return find_material(config, name)
    name = file.filename or ""
    path = keep_archive(file.file, name, jobs_of(request).path(key), limit_bytes=config.max_archive_bytes)
    return Material(name=Path(name.replace("\\", "/")).name[:80], path=path.absolute())


def _check(request: Request, phones: Sequence[Page], key: str, form: FormData) -> Job:
    return plan_check(key, _material(request, key, form))


def _measure(request: Request, phones: Sequence[Page], key: str, form: FormData) -> Job:
    models = [value for value in form.getlist("model") if isinstance(value, str)]
    return plan_measure(key, config_of(request), models, device=_device(phones, form))


def _fit(request: Request, phones: Sequence[Page], key: str, form: FormData) -> Job:
    fields = {name: text_of(form, name) for name in _FIT_FIELDS}
    material = _material(request, key, form)
    return plan_fit(key, config_of(request), material, fields, device=_device(phones, form))


def _device(phones: Sequence[Page], form: FormData) -> str:
    return choose_device(list_choices(phones), text_of(form, "device"), text_of(form, "threads"))


_PLANS: Final[Mapping[str, Callable[[Request, Sequence[Page], str, FormData], Job]]] = MappingProxyType(
    {"fit": _fit, "check": _check, "measure": _measure}
)


def _forms(
    request: Request,
    phones: Sequence[Page],
    *,
    verb: str,
    problem: str = "",
    form: FormData | None = None,
    status: int = 200,
) -> Response:
    config, known = config_of(request), jobs_of(request)
    typed = {name: "" if form is None else text_of(form, name) for name in (*_FIT_FIELDS, "data")}
    models = [] if form is None else [value for value in form.getlist("model") if isinstance(value, str)]
    values: dict[str, Any] = {
        "here": "/jobs",
        "verb": verb,
        "verbs": tuple(_PLANS),
        "problem": problem,
        "typed": typed,
        "models": models or request.query_params.getlist("model"),
        "jobs": [(each, known.state(each)) for each in known.all()],
        "data": [name for root in (config.folder, *config.data) if root.is_dir() for name in list_data(root)],
        "bundles": view_bundles(request)[0] if verb == "measure" else [],
        "devices": list_choices(phones),
        "efforts": EFFORTS,
    }
    return render(request, "jobs.html", values, status=status)


def _values(request: Request, job: Job) -> dict[str, Any]:
    known = jobs_of(request)
    folder, state = known.path(job.key), known.state(job)
    is_live = state is State.RUNNING
    output = file_inside(folder, OUTPUT_NAME)
    result = None
    if state is State.FINISHED and output is not None and output.stat().st_size <= _MOST_OUTPUT_BYTES:
        try:
            result = show_result(job, json.loads(output.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError):
            result = None
    return {
        "here": "/jobs",
        "job": job,
        "state": state,
        "is_live": is_live,
        "open_stages": known.sights(job) if is_live else [],
        "log": _tail(file_inside(folder, LOG_NAME)),
        "result": result,
        "seconds": max(0.0, (job.ended_at or time.time()) - job.created_at),
        "command": shown_command(job, root_of(request)),
    }


def _tail(path: Path | None) -> str:
    """The last lines of a log."""
    if path is None:
        return ""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace").strip()
