"""How an agent serves."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgesmith.core.errors import UsageError
from edgesmith.devices.agent.protocol import DEFAULT_PORT, check_token, make_token


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """How an agent serves.

    Attributes:
        host: Address that it listens on; only this machine reaches ``127.0.0.1``.
        port: TCP port; 0 takes a free one.
        token: What every request must bring; a new secret by default.
        max_file_bytes: Largest file that is taken in, and largest outputs of a run.
        max_cache_bytes: All files together.
        time_limit_s: A job that takes longer is stopped.
        patience_s: A job whose client has not been heard of for so long is stopped.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str = field(default_factory=make_token, repr=False)
    max_file_bytes: int = 256_000_000
    max_cache_bytes: int = 1_000_000_000
    time_limit_s: float = 1800.0
    patience_s: float = 30.0

    def __post_init__(self) -> None:
        check_token(self.token)
        if not 0 <= self.port <= 65535:
            raise UsageError(f"a port is a number from 0 to 65535, got {self.port}")
        if not 0 < self.max_file_bytes <= self.max_cache_bytes:
            raise UsageError(
                f"an agent's cache must hold the largest file, got a limit of {self.max_file_bytes} bytes a file and "
                f"{self.max_cache_bytes} bytes in all"
            )
        if not (self.time_limit_s > 0 and self.patience_s > 0):
            raise UsageError("an agent's limits in time must be more than zero")
