"""The agent's temporary folder, which goes with it; what an agent that was killed has left goes with the next one."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from edgesmith.core.errors import DeviceError

if sys.platform != "win32":
    import fcntl

PREFIX: Final = "edgesmith-agent-"
_LOCK: Final = "lock"


@contextmanager
def agent_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder that only this user can read; it is removed at the end.

    A lock is held in it, which the system lets go when the process ends, however it ends.

    Args:
        parent: Where to make it; the system's place for temporary files by default.

    Raises:
        DeviceError: It cannot be made.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    clear_abandoned(place)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        lock = _lock(folder)
    except OSError as error:
        raise DeviceError(f"no temporary folder can be made in {place}: {error.strerror}; set TMPDIR") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def clear_abandoned(parent: Path) -> None:
    """Remove the folders of this user's agents that no longer run; on Windows they stay.

    Args:
        parent: Where the folders lie.
    """
    if sys.platform == "win32":
        return
    for folder in parent.glob(f"{PREFIX}*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    """Whether a folder of this user has a lock that nobody holds."""
    if sys.platform == "win32":
        return False
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        with (folder / _LOCK).open("rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _lock(folder: Path) -> IO[bytes]:
    """The lock, held; it gets its name only then, so that it is never seen free."""
    beginning = folder / f"{_LOCK}.new"
    lock = beginning.open("wb+")
    if sys.platform != "win32":
        fcntl.flock(lock, fcntl.LOCK_EX)
        beginning.rename(folder / _LOCK)
    return lock
