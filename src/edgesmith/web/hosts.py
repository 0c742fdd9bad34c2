"""By which names this application may be called: a name that somebody else can point here is refused."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import urlsplit

from edgesmith.web.config import WebConfig, is_loopback

EVERYWHERE: Final = ("0.0.0.0", "::")
# Any address that is not of this network: nothing is sent to it.
_ELSEWHERE: Final = ("192.0.2.1", 9)
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


def shown_host(config: WebConfig) -> str:
    """What others may call this machine: the address by which it would reach them, which phones can always open."""
    if config.host not in EVERYWHERE:
        return config.host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


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
