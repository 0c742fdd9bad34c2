"""Archives that are sent for a job: kept in the job's folder, looked into before anything is done with them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

from edgesmith.core.errors import UsageError
from edgesmith.core.files import atomic_file
from edgesmith.core.units import format_bytes
from edgesmith.data.names import ARCHIVE_SUFFIXES, is_picture_name
from edgesmith.data.sources import open_source


def keep_archive(file: BinaryIO, name: str, folder: Path, *, limit_bytes: int) -> Path:
    """Write an archive into ``folder`` under a name of ours, and open it once.

    Args:
        file: Its bytes.
        name: What the sender called it; only its ending counts.
        folder: Of the job.
        limit_bytes: Most bytes.

    Raises:
        UsageError: It is no archive by its ending, too large, or holds no pictures.
        DataError: It is damaged, unpacks beyond measure, or holds links or paths that leave it.
    """
    suffix = next((each for each in ARCHIVE_SUFFIXES if name.lower().endswith(each)), None)
    if suffix is None:
        raise UsageError(f"pictures come as an archive ({', '.join(ARCHIVE_SUFFIXES)}), got {name[:80]!r}")
    if file.seek(0, 2) > limit_bytes:
        raise UsageError(f"an archive may have {format_bytes(limit_bytes)} at most")
    file.seek(0)
    path = folder / f"pictures{suffix}"
    with atomic_file(path) as temporary, temporary.open("wb") as target:
        shutil.copyfileobj(file, target, 1 << 20)
    if not any(is_picture_name(each) for each in open_source(path).names()):
        raise UsageError("there are no pictures in the archive; their names end in .jpg, .png and the like")
    return path
