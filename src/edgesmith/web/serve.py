"""Serving until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import uvicorn

from edgesmith.core.caches import cache_folder
from edgesmith.core.errors import DeviceError
from edgesmith.web.app import create_app
from edgesmith.web.certificate import certificate_for
from edgesmith.web.config import WebConfig
from edgesmith.web.security import TOKEN_KEY

_EVERYWHERE: Final = ("0.0.0.0", "::")
# Any address that is not of this network: nothing is sent to it.
_ELSEWHERE: Final = ("192.0.2.1", 9)


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What a person must know to come in.

    Attributes:
        address: To open; with the token where one is needed.
        fingerprint: Of the certificate; empty without HTTPS.
    """

    address: str
    fingerprint: str = ""


def serve(config: WebConfig, *, https: bool, announce: Callable[[Announcement], None]) -> None:
    """Serve until interrupted.

    Args:
        config: How.
        https: Encrypt what other machines are told; this one is told in plain HTTP.
        announce: Told once it listens.

    Raises:
        DeviceError: The address cannot be listened on.
        MissingExtraError: HTTPS needs the package ``cryptography``.
    """
    listener = _listen(config)
    host = _shown_host(config)
    config = replace(config, port=listener.getsockname()[1], https=https and config.needs_token)
    files: dict[str, Any] = {}
    fingerprint = ""
    if config.https:
        made = certificate_for([host, *_names(config, host)], cache_folder() / "web")
        files = {"ssl_certfile": made.certificate, "ssl_keyfile": made.key}
        fingerprint = made.fingerprint
    settings = uvicorn.Config(
        create_app(config),
        log_level="error",
        access_log=False,  # it would write the token
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        **files,
    )
    announce(Announcement(address=address_of(config, host), fingerprint=fingerprint))
    uvicorn.Server(settings).run(sockets=[listener])


def address_of(config: WebConfig, host: str) -> str:
    """The address to open, for a machine that calls this one ``host``."""
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if config.https else "http"
    return f"{scheme}://{shown}:{config.port}/" + (f"?{TOKEN_KEY}={config.token}" if config.needs_token else "")


def _listen(config: WebConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family)
    except OSError as error:
        reason = error.strerror or error
        raise DeviceError(f"cannot listen on {config.host}:{config.port}: {reason}; try another --port") from None


def _shown_host(config: WebConfig) -> str:
    """What others may call this machine: the address by which it would reach them, which phones can always open."""
    if config.host not in _EVERYWHERE:
        return config.host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def _names(config: WebConfig, host: str) -> list[str]:
    name = socket.gethostname().lower()
    known = [name, f"{name.partition('.')[0]}.local", "localhost", "127.0.0.1"]
    return [each for each in known if each != host]
