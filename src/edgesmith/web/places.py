"""From the names in addresses and forms to paths, none of which leaves the served folders."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException

from edgesmith.web.config import WebConfig

_MOST_LETTERS = 1024


def inside(root: Path, name: str) -> Path | None:
    """The path of ``name`` below ``root``; None where it is not there or leads out, by links too.

    Args:
        root: A served folder.
        name: Relative, with ``/`` between the parts.
    """
    parts = name.split("/")
    odd = any(part in ("", ".", "..") or part.startswith(".") for part in parts) or "\\" in name or ":" in parts[0]
    if odd or len(name) > _MOST_LETTERS or not name.isprintable():
        return None
    path = root.joinpath(*parts)
    try:
        path.resolve(strict=True).relative_to(root.resolve(strict=True))
    except (OSError, ValueError, RuntimeError):
        return None
    return path


def file_inside(folder: Path, name: str) -> Path | None:
    """The file called ``name`` in a run or bundle; None where there is none, or where a link leads out of it.

    Args:
        folder: Of the run or bundle.
        name: Relative, with ``/`` between the parts.
    """
    path = inside(folder, name)
    return path if path is not None and path.is_file() else None


def files_inside(folder: Path, pattern: str) -> list[Path]:
    """The files in a run or bundle that ``pattern`` names, by name, without those that a link leads out to."""
    found = (path.relative_to(folder).as_posix() for path in folder.glob(pattern))
    return [path for name in sorted(found) if (path := file_inside(folder, name))]


def require_inside(root: Path, name: str) -> Path:
    """As `inside`, or the page that says that there is none.

    Raises:
        HTTPException: 404.
    """
    path = inside(root, name)
    if path is None:
        raise HTTPException(404)
    return path


def find_data(config: WebConfig, name: str) -> Path | None:
    """A folder or archive of pictures in a served folder, by its name as `list_data` writes it."""
    return next((path for root in (config.folder, *config.data) if (path := inside(root, name))), None)
