"""What the hub knows of a page and of its job, and how long it waits for others."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

from edgesmith.devices.agent.protocol import RefusedError
from edgesmith.devices.browser.protocol import POLL_S, About, Request


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the hub waits for others, in seconds.

    Attributes:
        poll_s: A request that waits is answered after this, whatever happens.
        look_s: How often those who wait look around.
        page_s: A page that keeps no request open for so long is gone.
        hidden_s: A job of a page that cannot be seen for so long has failed.
        client_s: A job whose process asks no more for so long is stopped.
        job_s: A job that takes longer has failed.
    """

    poll_s: float = POLL_S
    look_s: float = 1.0
    page_s: float = 5.0
    hidden_s: float = 20.0
    client_s: float = 30.0
    job_s: float = 1800.0


@dataclass(kw_only=True)
class Job:
    """A request that a page was given.

    Attributes:
        request: What to do.
        begun_s: When.
        seen_s: When its process was last heard of.
        waiting: Requests of the process that wait for its end just now.
        result: Once it is done.
        failure: Why there will be none.
    """

    request: Request
    begun_s: float
    seen_s: float
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    waiting: int = 0
    result: bytes | None = None
    failure: RefusedError | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to come."""
        return self.result is not None or self.failure is not None


@dataclass(kw_only=True)
class Page:
    """A page that registered.

    Attributes:
        about: What it says of itself.
        key: What its browser remembers, so that a page that is loaded anew takes its own place.
        seen_s: When it was last heard of.
        waiting: Requests that it keeps open.
        hidden_since_s: Since when it cannot be seen; None for a page in sight.
        job: The last one that it was given.
    """

    about: About
    key: str
    seen_s: float
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    waiting: int = 0
    hidden_since_s: float | None = None
    job: Job | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def task(self) -> Job | None:
        """The job that is not over yet."""
        return None if self.job is None or self.job.is_over else self.job
