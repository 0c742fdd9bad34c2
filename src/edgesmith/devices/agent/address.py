"""Where an agent listens, as people type it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from edgesmith.core.authority import authority
from edgesmith.core.errors import UsageError
from edgesmith.devices.agent.protocol import DEFAULT_PORT


@dataclass(frozen=True, kw_only=True)
class Address:
    """A host and a port.

    Attributes:
        host: Name or number; without brackets.
        port: TCP port.
    """

    host: str
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``pi.local``, ``192.168.1.20:8765`` or ``[fe80::1]:8765``.

        Raises:
            UsageError: It is none of these, or the port is not from 1 to 65535.
        """
        match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?", text)
        port = int(match[3] or DEFAULT_PORT) if match else 0
        if match is None or not 1 <= port <= 65535:
            raise UsageError(f"an agent's address is HOST:PORT, such as pi.local:{DEFAULT_PORT}, got {text!r}")
        return cls(host=match[1] or match[2], port=port)

    def __str__(self) -> str:
        return authority(self.host, self.port)
