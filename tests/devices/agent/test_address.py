from __future__ import annotations

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.devices.agent.address import Address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("pi.local", "pi.local", 8765),
        ("192.168.1.20:80", "192.168.1.20", 80),
        ("[::1]:9000", "::1", 9000),
        ("[fe80::1]", "fe80::1", 8765),
    ],
)
def test_reads_an_address(text: str, host: str, port: int) -> None:
    address = Address.parse(text)
    assert (address.host, address.port) == (host, port)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "pi:", "pi:0", "pi:65536", "pi:http", "::1", "http://pi", "a b", "pi\r\nX: 1", "@pi"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"an agent's address is HOST:PORT, such as pi\.local:8765, got "):
        Address.parse(text)
