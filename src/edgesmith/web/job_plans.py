"""From the fields of a form to a command: every value is checked before anything starts."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.core.table import unknown
from edgesmith.core.units import parse_milliseconds, parse_seconds
from edgesmith.deploy.bundle import MANIFEST_NAME
from edgesmith.recipes.effort import EFFORTS
from edgesmith.recipes.run_folder import RESULT_NAME
from edgesmith.web.config import WebConfig
from edgesmith.web.jobs import Job
from edgesmith.web.places import file_inside, find_data, inside
from edgesmith.web.scan import JOBS_NAME

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_MOST_MODELS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Material:
    """Pictures for a job: what people call them and where they are."""

    name: str
    path: Path


def find_material(config: WebConfig, name: str) -> Material:
    """A folder or archive in a served folder.

    Raises:
        UsageError: There is none of that name.
    """
    path = find_data(config, name)
    if path is None:
        raise UsageError(f"there are no pictures called {name!r} in the served folders; choose from the list")
    return Material(name=path.name, path=path.absolute())


def plan_check(key: str, material: Material) -> Job:
    """``edgesmith check``."""
    arguments = ("check", str(material.path), "--json")
    return _job(key, "check", f"check {material.name}", arguments)


def plan_measure(key: str, config: WebConfig, models: Sequence[str], *, device: str) -> Job:
    """``edgesmith measure`` of bundles.

    Raises:
        UsageError: A bundle is not one that there is.
    """
    if not 1 <= len(models) <= _MOST_MODELS:
        raise UsageError(f"choose one to {_MOST_MODELS} bundles to measure, got {len(models)}")
    paths = []
    for name in models:
        path = inside(config.folder, name)
        if path is None or not file_inside(path, MANIFEST_NAME):
            raise UsageError(f"there is no bundle {name!r}; choose from the list")
        paths.append(str(path.absolute()))
    arguments = ("measure", *paths, f"--device={device}", "--json")
    return _job(key, "measure", f"measure {', '.join(models)}", arguments)


def plan_fit(key: str, config: WebConfig, material: Material, fields: Mapping[str, str], *, device: str) -> Job:
    """``edgesmith fit``.

    Args:
        key: Of the job.
        config: Whose folder takes the run.
        material: The pictures.
        fields: ``budget``, ``effort``, ``time``, ``weights`` and ``name`` as typed.
        device: The text for ``--device``.

    Raises:
        UsageError: A value is not one that we know, or there is a finished run of that name.
    """
    budget, effort, limit = fields["budget"], fields["effort"], fields["time"]
    parse_milliseconds(budget, what="the budget")
    if effort not in EFFORTS:
        raise unknown(effort, EFFORTS, what="effort")
    if limit:
        parse_seconds(limit, what="the time")
    name = fields["name"] or f"fit-{re.sub('[^A-Za-z0-9_-]+', '-', material.name.partition('.')[0]) or 'pictures'}"
    if not _NAME.fullmatch(name) or name == JOBS_NAME:
        raise UsageError(f"a run's name has letters, digits, '.', '_' and '-', 80 at most, got {name!r}")
    out = config.folder / name
    if (out / RESULT_NAME).exists() or out.is_symlink():
        raise UsageError(f"there is a finished run called {name}; choose another name")
    arguments = [
        "fit",
        str(material.path),
        f"--budget={budget}",
        f"--device={device}",
        f"--effort={effort}",
        f"--weights={'none' if fields['weights'] == 'none' else 'auto'}",
        f"--out={out.absolute()}",
        "--json",
    ]
    arguments += [f"--time={limit}"] if limit else []
    return _job(key, "fit", f"fit {material.name}, {budget}", tuple(arguments), run=name)


def _job(key: str, verb: str, title: str, arguments: tuple[str, ...], *, run: str = "") -> Job:
    return Job(key=key, verb=verb, title=title, arguments=arguments, run=run, created_at=time.time())
