"""Where the hub of this user listens: a private file, so that nothing needs to be typed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgesmith.core.caches import cache_folder
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import DeviceError, EdgesmithError
from edgesmith.core.files import read_json, write_json

_FILE: Final = "hub.json"
_START: Final = "start it with edgesmith web --host 0.0.0.0, and open its page Phones"


@dataclass(frozen=True, kw_only=True)
class HubAddress:
    """Where a hub listens, and what it wants to be shown.

    Attributes:
        host: Address as this machine reaches it.
        port: TCP port.
        token: The hub's token.
        page: Address of the page that browsers open, without a token.
        certificate: Path of the certificate that it shows; empty for plain HTTP.
    """

    host: str
    port: int
    token: str
    page: str
    certificate: str = ""


@contextmanager
def published(address: HubAddress, folder: Path | None = None) -> Iterator[None]:
    """Leave the address for this user's processes for as long as the block runs; the latest hub is the one found.

    Args:
        address: Of the hub.
        folder: Where; None takes the usual place.
    """
    path = _path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(stat.S_IRWXU)
    mask = os.umask(0o077)
    try:
        write_json(path, to_dict(address))
    finally:
        os.umask(mask)
    try:
        yield
    finally:
        with suppress(EdgesmithError, OSError):  # another hub has taken the place, or it is gone already
            if find_hub(folder).token == address.token:
                path.unlink()


def find_hub(folder: Path | None = None) -> HubAddress:
    """The hub of this user.

    Args:
        folder: Where its address lies; None takes the usual place.

    Raises:
        DeviceError: There is none, or the file was not left by this user alone.
    """
    path = _path(folder)
    if not path.is_file():
        raise DeviceError(f"no hub for browsers runs here: {_START}")
    about = path.stat()
    if hasattr(os, "getuid") and (about.st_uid != os.getuid() or about.st_mode & 0o077):
        raise DeviceError(f"{path} could have been written or read by others; delete it and start edgesmith web again")
    try:
        return from_dict(HubAddress, read_json(path))
    except (EdgesmithError, AttributeError, TypeError):
        raise DeviceError(f"{path} is no address of a hub; delete it and start edgesmith web again") from None


def _path(folder: Path | None) -> Path:
    return (cache_folder() / "web" if folder is None else folder) / _FILE
