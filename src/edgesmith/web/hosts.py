"""By which names this application may be called: a name that somebody else can point here is refused."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from edgesmith.web.config import WebConfig, is_loopback

_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")


def host_of(authority: str) -> str | None:
    """The host of a ``Host`` header in small letters, without its port; None where it is malformed."""
    match = _AUTHORITY.fullmatch(authority)
    return None if match is None else match["host"].lower()


def is_our_name(authority: str, config: WebConfig) -> bool:
    """Whether a ``Host`` header names this machine.

    DNS rebinding points a name of the attacker's at this machine, so names count only if they are ours. An address
    typed as digits cannot be rebound.
    """
    host = host_of(authority)
    if host is None:
        return False
    if is_loopback(host):
        return True
    return config.needs_token and (host in _own_names(config) or _is_address(host))


def is_same_origin(origin: str, *, scheme: str, authority: str) -> bool:
    """Whether a page of ``origin`` is one of ours, as it was called."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme == scheme and parts.netloc.lower() == authority.lower() and not parts.path.strip("/")


def _own_names(config: WebConfig) -> set[str]:
    name = socket.gethostname().lower()
    return {config.host.lower(), name, f"{name.partition('.')[0]}.local"}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
