"""Serving until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import uvicorn

from edgesmith.core.authority import authority, family_of
from edgesmith.core.caches import cache_folder
from edgesmith.core.errors import DeviceError
from edgesmith.devices.browser.address import published
from edgesmith.web.app import create_app
from edgesmith.web.certificate import certificate_for
from edgesmith.web.config import WebConfig
from edgesmith.web.hosts import shown_host
from edgesmith.web.phone_desk import hub_address
from edgesmith.web.security import TOKEN_KEY


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
    host = shown_host(config)
    config = replace(config, port=listener.getsockname()[1], https=https and config.needs_token)
    files: dict[str, Any] = {}
    fingerprint = ""
    if config.https:
        made = certificate_for([host, *_names(config, host)], cache_folder() / "web")
        files = {"ssl_certfile": made.certificate, "ssl_keyfile": made.key}
        fingerprint = made.fingerprint
    app = create_app(config)
    settings = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,  # it would write the token
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        **files,
    )
    with ExitStack() as end:
        end.enter_context(published(hub_address(config, certificate=str(files.get("ssl_certfile", "")))))
        end.callback(app.state.phones.close)
        announce(Announcement(address=address_of(config, host), fingerprint=fingerprint))
        _Server(settings, end).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Closes what belongs to it when a signal comes: pages' open requests would hold it up, and SIGTERM ends it."""

    def __init__(self, config: uvicorn.Config, end: ExitStack) -> None:
        super().__init__(config)
        self._end = end

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal has come."""
        self._end.close()
        super().handle_exit(sig, frame)


def address_of(config: WebConfig, host: str) -> str:
    """The address to open, for a machine that calls this one ``host``."""
    scheme = "https" if config.https else "http"
    return f"{scheme}://{authority(host, config.port)}/" + (
        f"?{TOKEN_KEY}={config.token}" if config.needs_token else ""
    )


def _listen(config: WebConfig) -> socket.socket:
    try:
        return socket.create_server((config.host, config.port), family=family_of(config.host))
    except OSError as error:
        reason = error.strerror or error
        place = authority(config.host, config.port)
        raise DeviceError(f"cannot listen on {place}: {reason}; try another --port") from None


def _names(config: WebConfig, host: str) -> list[str]:
    name = socket.gethostname().lower()
    known = [name, f"{name.partition('.')[0]}.local", "localhost", "127.0.0.1"]
    return [each for each in known if each != host]
