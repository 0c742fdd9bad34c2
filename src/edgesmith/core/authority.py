"""A host with its port, as addresses hold it."""

from __future__ import annotations

import socket


def authority(host: str, port: int) -> str:
    """``HOST:PORT``; the digits of IPv6 stand in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def family_of(host: str) -> socket.AddressFamily:
    """The kind of address that a socket listens on for ``host``."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET
