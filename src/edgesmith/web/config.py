"""How the web application serves."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.deploy.bundle import MANIFEST_NAME
from edgesmith.devices.browser.protocol import MAX_FILE_BYTES
from edgesmith.recipes.run_folder import DEFAULT_FOLDER, RUN_NAME
from edgesmith.web.addresses import DEFAULT_PORT

_TOKEN: Final = r"[A-Za-z0-9_-]{16,256}"


def make_token() -> str:
    """A new secret, fit for an address."""
    return secrets.token_urlsafe(32)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """How the web application serves.

    Attributes:
        folder: Run folders and bundles lie in it, at any depth; jobs write into it.
        data: Further folders, whose pictures jobs may read.
        host: Address that it listens on; only this machine reaches ``127.0.0.1``.
        port: TCP port; 0 takes a free one.
        token: What a browser must bring once; asked for wherever another machine can reach the address.
        https: Whether it speaks HTTPS.
        max_picture_bytes: Largest picture to try.
        max_model_bytes: Largest model file for a phone, and largest result of one.
        max_archive_bytes: Largest archive of pictures for a job.
    """

    folder: Path
    data: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str = field(default_factory=make_token, repr=False)
    https: bool = False
    max_picture_bytes: int = 25_000_000
    max_model_bytes: int = MAX_FILE_BYTES
    max_archive_bytes: int = 2_000_000_000

    def __post_init__(self) -> None:
        if not re.fullmatch(_TOKEN, self.token):
            raise UsageError("a token has 16 to 256 letters, digits, - or _")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"a port is a number from 0 to 65535, got {self.port}")
        for folder in self.data:
            if not folder.is_dir():
                raise UsageError(f"--data {folder.absolute()} is not a folder")
        if not self.folder.is_dir() and not self._may_come():
            raise UsageError(
                f"{self.folder.absolute()} is not a folder; edgesmith web shows a folder of runs and bundles, "
                f"{DEFAULT_FOLDER} by default"
            )
        if any((self.folder / name).is_file() for name in (RUN_NAME, MANIFEST_NAME)):
            above = self.folder.absolute().parent
            raise UsageError(
                f"{self.folder} is one run or bundle; name the folder that holds it: edgesmith web {above}"
            )

    def _may_come(self) -> bool:
        """Whether the folder is the usual one, which the first run makes."""
        usual = self.folder.name == DEFAULT_FOLDER.name
        return usual and not self.folder.exists() and self.folder.absolute().parent.is_dir()

    @property
    def needs_token(self) -> bool:
        """Whether other machines can reach it."""
        return not is_loopback(self.host)
