"""Serving until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import uvicorn

from edgesmith.core.errors import DeviceError
from edgesmith.devices.browser.address import published
from edgesmith.web.app import create_app
from edgesmith.web.config import WebConfig
from edgesmith.web.phone_desk import hub_address
from edgesmith.web.security import TOKEN_KEY

_EVERYWHERE = ("0.0.0.0", "::")


def serve(config: WebConfig, *, certificate: tuple[Path, Path] | None, announce: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        config: How.
        certificate: Paths of a certificate and its key, in PEM; None for plain HTTP.
        announce: Told the address to open, with the token where one is needed.

    Raises:
        DeviceError: The address cannot be listened on.
    """
    listener = _listen(config)
    config = replace(config, port=listener.getsockname()[1], https=certificate is not None)
    files = {} if certificate is None else {"ssl_certfile": certificate[0], "ssl_keyfile": certificate[1]}
    settings = uvicorn.Config(
        create_app(config),
        log_level="error",
        access_log=False,  # it would write the token
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        **files,  # type: ignore[arg-type]
    )
    hub = hub_address(config, certificate="" if certificate is None else str(certificate[0].absolute()))
    with published(hub):
        announce(address_of(config))
        uvicorn.Server(settings).run(sockets=[listener])


def address_of(config: WebConfig) -> str:
    """The address to open."""
    host = socket.gethostname() if config.host in _EVERYWHERE else config.host
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
