from __future__ import annotations

import socket

import pytest

from edgesmith.core.authority import authority, family_of


@pytest.mark.parametrize(
    ("host", "text", "family"),
    [
        ("127.0.0.1", "127.0.0.1:8770", socket.AF_INET),
        ("pi.local", "pi.local:8770", socket.AF_INET),
        ("fe80::1", "[fe80::1]:8770", socket.AF_INET6),
        ("::", "[::]:8770", socket.AF_INET6),
    ],
)
def test_ipv6_stands_in_brackets(host: str, text: str, family: socket.AddressFamily) -> None:
    assert authority(host, 8770) == text
    assert family_of(host) is family
