"""What lies in the served folder: runs and bundles, found by their files, never through links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from edgesmith.data.names import is_archive_name, is_picture_name
from edgesmith.deploy.bundle import MANIFEST_NAME
from edgesmith.recipes.run_folder import RUN_NAME, STAGES_NAME

JOBS_NAME: Final = "web-jobs"
_DEPTH: Final = 5
_MOST_FOLDERS: Final = 20_000
_INSIDES: Final = frozenset({"checkpoints", "race", STAGES_NAME, "tensorboard", JOBS_NAME})


@dataclass(frozen=True, kw_only=True)
class Found:
    """A run or bundle; ``name`` is its path below the served folder with ``/`` between the parts."""

    name: str
    path: Path


def find_runs(root: Path) -> list[Found]:
    """Run folders, the one that was begun last first; runs inside a run are parts of it."""
    found = [
        Found(name=_name(root, path), path=path) for path, names in _walk(root, into_runs=False) if RUN_NAME in names
    ]
    return sorted(found, key=lambda each: _changed(each.path / RUN_NAME), reverse=True)


def find_bundles(root: Path) -> list[Found]:
    """Bundles, those in run folders too, the newest first."""
    found = [Found(name=_name(root, path), path=path) for path, names in _walk(root) if MANIFEST_NAME in names]
    return sorted(found, key=lambda each: _changed(each.path / MANIFEST_NAME), reverse=True)


def list_data(root: Path) -> list[str]:
    """Names of archives, and of folders that may hold pictures, at most three levels down."""
    names = []
    for path, files in _walk(root, depth=3, into_runs=False):
        if RUN_NAME in files or MANIFEST_NAME in files:
            continue
        names += [_name(root, path / name) for name in files if is_archive_name(name)]
        if path != root and _holds_pictures(path, files):
            names.append(_name(root, path))
    return sorted(names)


def _holds_pictures(path: Path, names: list[str]) -> bool:
    """A folder of pictures, or of folders of pictures; one look each is enough."""
    if any(is_picture_name(name) for name in names):
        return True
    with os.scandir(path) as entries:
        folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    return any(is_picture_name(entry.name) for folder in folders[:3] for entry in islice(Path(folder).iterdir(), 50))


def _walk(root: Path, *, depth: int = _DEPTH, into_runs: bool = True) -> Iterator[tuple[Path, list[str]]]:
    """Folders with the names of their files, from the top down."""
    waiting, seen = [(root, 0)], 0
    while waiting and seen < _MOST_FOLDERS:
        folder, level = waiting.pop(0)
        seen += 1
        try:
            with os.scandir(folder) as entries:
                known = [entry for entry in entries if not entry.name.startswith(".")]
                files = [entry.name for entry in known if entry.is_file(follow_symlinks=False)]
                folders = sorted(entry.name for entry in known if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
        yield folder, files
        if level < depth and MANIFEST_NAME not in files and (into_runs or RUN_NAME not in files):
            waiting += [(folder / name, level + 1) for name in folders if name not in _INSIDES]


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
